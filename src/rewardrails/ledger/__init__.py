"""Pools and the money in them."""
