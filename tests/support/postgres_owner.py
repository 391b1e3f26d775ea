"""A process that stays at an embedded server until its standard input closes: `python postgres_owner.py FOLDER`."""

import sys
from pathlib import Path

from rewardrails.store.embedded import EmbeddedPostgres

with EmbeddedPostgres.start(Path(sys.argv[1])) as server:
    server.ensure_database("rewardrails")
    print("DSN", server.dsn("rewardrails"), flush=True)  # noqa: T201 - the parent reads it
    sys.stdin.read()
