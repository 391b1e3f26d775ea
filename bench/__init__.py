"""Throughput, each figure beside the SQL-only limit of the same rows: `make bench`."""
