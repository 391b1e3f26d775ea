"""Services that are asked whether a destination may be paid."""
