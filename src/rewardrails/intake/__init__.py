"""Files of rewards: bytes in, checked rows out, in bounded memory."""
