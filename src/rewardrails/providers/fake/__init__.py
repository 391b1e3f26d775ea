"""The adapter for the fake provider (`rewardrails.testing.fake_provider`), and the worked example of an adapter."""
