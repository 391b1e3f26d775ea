"""The manual rail: people pay, the engine's pending attempts are their queue."""
