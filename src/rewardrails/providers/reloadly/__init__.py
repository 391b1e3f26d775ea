"""The adapter for Reloadly's gift cards: the code itself comes back, and the game shows it to the player."""
