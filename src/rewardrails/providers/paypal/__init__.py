"""The adapter for PayPal Payouts: money to a PayPal account, or to an e-mail address whose owner may open one."""
