"""The adapter for Tremendous: gift cards and other rewards, sent to an e-mail address."""
