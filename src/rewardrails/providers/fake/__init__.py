"""The adapter for the fake provider process of `rewardrails.testing.fake_provider`: the worked example of an adapter."""
