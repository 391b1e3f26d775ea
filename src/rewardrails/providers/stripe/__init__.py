"""The adapter for Stripe Global Payouts (v2): a payout intent with its fees and locked rate, which is then confirmed."""
