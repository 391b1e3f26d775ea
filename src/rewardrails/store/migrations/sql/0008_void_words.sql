-- A word given for a payout is void after any change of it, also when it says the same again later: it is taken away then.

GRANT DELETE ON sign_off TO rewardrails_app;
