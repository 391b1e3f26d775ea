"""What adapter authors and tests use: the fake provider and its steering."""
