"""`python -m rewardrails.cli` is the command `rewardrails`."""

from rewardrails.cli.app import main

main()
