"""Guards taken away on purpose, one at a time, to see that a test notices each."""
