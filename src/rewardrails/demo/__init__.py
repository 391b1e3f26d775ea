"""The whole story in one command, against providers that are not real: `python -m rewardrails.demo`."""
