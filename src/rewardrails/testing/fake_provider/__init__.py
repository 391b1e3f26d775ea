"""A payout provider as its own process with its own durable journal: the truth outside the system under test.

Run it by `python -m rewardrails.testing.fake_provider --journal DIR`, or from Python by
`rewardrails.testing.fake_provider.client.FakeProviderProcess`.
"""
