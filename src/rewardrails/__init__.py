"""RewardRails pays game rewards out to players over interchangeable payout rails."""

__version__ = "0.1.0"
