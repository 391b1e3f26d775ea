"""Payouts through Acme."""
