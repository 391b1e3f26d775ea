"""The loops that move payouts on."""
