"""What is promised, which tests show it, and how often they tried."""
