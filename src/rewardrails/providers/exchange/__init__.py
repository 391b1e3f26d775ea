"""The adapter for crypto exchanges: withdrawals to addresses on a blockchain, asked for and signed through ccxt."""
