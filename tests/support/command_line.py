"""`rewardrails` as its users run it, in a folder of its own: in this process, or as a process of its own."""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import structlog

from rewardrails.cli.app import run

CONFIG = """
environment = "test"

[server]
port = 0

[assets]
EUR = { exponent = 2, redeemable = true }

[destination_kinds]
paypal_email = { parser = "email", assets = ["EUR"] }
manual_note = { parser = "note", assets = ["EUR"] }

[pools.season-eur]
asset = "EUR"

[campaigns.season]
jurisdictions = ["DE"]
pools = { EUR = "season-eur" }

[providers.by-hand]
type = "manual"
adapter = "manual"
enabled = true

[providers.bank]
type = "fiat_provider"
adapter = "fake"
settings = { base_url = "http://127.0.0.1:9" }
credentials = { api_token = "env:NOT_SET", webhook_secret = "env:NOT_SET" }

[[routes]]
destination_kind = "manual_note"
provider = "by-hand"
[[routes]]
destination_kind = "paypal_email"
provider = "bank"
"""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class CommandLine:
    """Runs commands against one database; `env` is added to the environment of each.

    A call runs in this process, which spares the tests a hundred starts of Python; `process` starts a real one.
    """

    def __init__(self, folder: Path, dsn: str, config: str = CONFIG) -> None:
        self.folder = folder
        self.dsn = dsn
        self._env = {**os.environ, "DATABASE_URL": dsn, "XDG_CONFIG_HOME": str(folder / ".config")}
        for name in ("REWARDRAILS_API_KEY", "REWARDRAILS_TOKEN", "REWARDRAILS_DEBUG"):
            self._env.pop(name, None)
        (folder / "rewardrails.toml").write_text(config)

    def __call__(self, *arguments: object, env: Mapping[str, str] | None = None, typed: str | None = None) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, {**self._env, **(env or {})}, clear=True),
            patch.object(sys, "stdin", sys.stdin if typed is None else io.StringIO(typed)),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _own_logging(),
        ):
            code = run([str(argument) for argument in arguments])
        return Answer(code, out.getvalue(), err.getvalue())

    def process(self, *arguments: object, env: Mapping[str, str] | None = None) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "rewardrails.cli", *map(str, arguments)],
            cwd=self.folder,
            env={**self._env, **(env or {})},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[dict[str, str]]:
        """A command that stays (`serve`, `worker`), from when it is ready; stopped at the end, which it must survive."""
        process = subprocess.Popen(
            [sys.executable, "-m", "rewardrails.cli", "--json", *arguments, "--end-with-stdin"],
            cwd=self.folder,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line)
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors


@contextmanager
def _own_logging() -> Iterator[None]:
    """Logging as it was, once the command has set it up for itself."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
