"""Ways in which players prove that a destination is theirs."""
