"""One season with a canary in every secret and every personal field, and everything it produced."""

import csv
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.canary.search import Produced
from tests.canary.surroundings import Surroundings, around
from tests.canary.values import Canary, email, word
from tests.support.command_line import Answer, CommandLine
from tests.vendors.reloadly.double import CLIENT_SECRET

EMAILS, NOTES = 30, 6
HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo"
PATIENCE_SECONDS = 30.0


@dataclass
class Run:
    """A run under way, and in the end what it produced and what to look for in it."""

    around: Surroundings
    rr: CommandLine
    produced: Produced = field(default_factory=Produced)
    canaries: list[Canary] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    url: str = ""
    token: str = ""

    def new(self, kind: str) -> str:
        """A new canary's text."""
        return self.keep(kind, word())

    def keep(self, kind: str, text: str) -> str:
        """Something made elsewhere that must not get out."""
        self.canaries.append(Canary(kind, text))
        return text

    def new_email(self, kind: str = "destination") -> str:
        whole, local = email(kind)
        self.canaries += [whole, local]
        return whole.text

    def cli(self, *arguments: object, env: dict[str, str] | None = None) -> Answer:
        """A command in this process; what it said is kept under its first two words."""
        answer = self.rr(*arguments, env={**self.around.env, **(env or {})})
        self._keep_answer(arguments, answer)
        return answer

    def cli_process(self, *arguments: object, env: dict[str, str]) -> Answer:
        """A command as a process of its own, so that a traceback comes out as it would for people."""
        answer = self.rr.process(*arguments, env={**self.around.env, **env})
        self._keep_answer(arguments, answer)
        return answer

    def api(self, method: str, path: str, body: Any = None, *, token: str | None = None, raw: bytes = b"") -> Any:
        """A request; answer and headers are kept under its route. Answers the decoded body, None if it is not JSON."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": word()} if method != "GET" else {}
        headers |= {"Content-Type": "text/csv"} if raw else {}
        data = raw or (None if body is None else json.dumps(body).encode())
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, told, content = answer.status, bytes(answer.headers), answer.read()
        except urllib.error.HTTPError as refusal:
            status, told, content = refusal.code, bytes(refusal.headers), refusal.read()
        self.statuses.add(status)
        self.produced.add(f"api {method} {path.partition('?')[0]} {status}", told + content)
        try:
            return json.loads(content)
        except ValueError:
            return None

    def until(self, statement: str, what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the database answers true."""
        end = time.monotonic() + seconds
        with psycopg.connect(self.around.dsn, autocommit=True) as connection:
            while not connection.execute(statement).fetchone()[0]:
                assert time.monotonic() < end, what
                time.sleep(0.05)

    def until_logged(self, words: str, *, times: int = 1) -> None:
        """Wait until the worker, whichever process it is in, has told of this so often."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.times_logged(words) < times:
            assert time.monotonic() < end, f"no log says {words}"
            time.sleep(0.05)

    def times_logged(self, words: str) -> int:
        """How often our processes have told of this so far."""
        return sum(self.log(name).count(words) for name in ("serve", "worker"))

    def log(self, name: str) -> str:
        """What a process of ours has logged so far."""
        return (self.around.folder / f"{name}.log").read_text(encoding="utf-8")

    def as_owner(self, *statements: str) -> None:
        """Change the database behind our back."""
        with psycopg.connect(self.around.dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def _keep_answer(self, arguments: Sequence[object], answer: Answer) -> None:
        words = [str(one) for one in arguments if not str(one).startswith("--")][:2]
        self.produced.add(f"cli {' '.join(words)}", f"{answer.code}\n{answer.out}\n{answer.err}")


@contextmanager
def started(root: Path) -> Iterator[Run]:
    """A run whose surroundings, API and worker are up."""
    secrets = [Canary("database password", word()), Canary("endpoint address", word())]
    env = {"CANARY_MASTER_KEY": word() + word() + word(), "CANARY_EVENT_SECRET": f"whsec_{word()}{word()}{word()}=="}
    with around(root, password=secrets[0].text, secret_path=secrets[1].text, env=env) as surroundings:
        run = Run(around=surroundings, rr=CommandLine(surroundings.folder, surroundings.dsn, surroundings.config))
        run.canaries += secrets
        run.keep("master key", env["CANARY_MASTER_KEY"])
        run.keep("event secret", env["CANARY_EVENT_SECRET"].removeprefix("whsec_"))
        run.keep("provider token", surroundings.bank.token)
        run.keep("provider token", CLIENT_SECRET)
        run.keep("webhook secret", surroundings.bank.webhook_secret.removeprefix("whsec_"))
        with surroundings.process("serve") as ready, surroundings.process("worker"):
            run.url = ready["url"]
            run.token = run.keep("api key", Path(surroundings.folder, ready["admin_key_file"]).read_text().strip())
            yield run
        _collect(run)


def season_file(run: Run) -> Path:
    """A season's list with a canary in every destination and memo, good rows and refused ones."""
    text = io.StringIO()
    rows = csv.writer(text)
    text.write(HEADER + "\n")
    for number in range(EMAILS):
        rows.writerow([f"r{number}", f"p{number}", "season", "10.00", "EUR", "DE", "paypal_email", run.new_email(), ""])
    for number in range(NOTES):
        name, memo = f"Zoë {run.new('name')} O'Neil", f'"für" {run.new("memo")}'
        rows.writerow([f"n{number}", f"p{number}", "season", "5.00", "EUR", "DE", "manual_note", name, memo])
    for changes in (("x0", "10.00", f"{run.new_email('refused destination')}@"), ("x1", "ten", run.new_email())):
        reward_id, amount, destination = changes
        row = [reward_id, "p", "season", amount, "EUR", "DE", "paypal_email", destination, run.new("memo")]
        rows.writerow(row)
    rows.writerow(["x2", "p", "season", "1.00", "EUR", "DE", "paypal_email", run.new_email(), run.new("memo"), "more"])
    path = run.around.outside / "season.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def _collect(run: Run) -> None:
    """What is left when everything has stopped: files, logs, deliveries, and every row of every table."""
    run.produced.add_folder("folder", run.around.folder)
    run.produced.add_folder("postgres log", run.around.postgres_log)
    for delivery in run.around.game.got:
        run.produced.add("event deliveries", delivery)
    with psycopg.connect(run.around.dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for shape in ("text", "binary"):
                command = sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(sql.Identifier(table), sql.SQL(shape))
                with connection.cursor().copy(command) as copied:
                    run.produced.add(f"table {table}, {shape}", b"".join(copied))
