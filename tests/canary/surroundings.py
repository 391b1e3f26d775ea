"""What a run needs around it: a database, a rail, a game's endpoint, our own processes, and their configuration."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from rewardrails.store import migrate
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support.database import FAST_AND_FORGETFUL
from tests.vendors.reloadly.double import CLIENT_ID, CLIENT_SECRET, ReloadlyDouble

MIX = "webhook=50,settle=20,fail=8,refuse:destination_invalid=6,lose_reply=6,garbage=5,error_after=5"
STOP_SECONDS = 30
CONFIG = """
environment = "test"
[server]
port = {port}
[logging]
level = "debug"
[security]
master_key = "env:CANARY_MASTER_KEY"
[assets.EUR]
exponent = 2
redeemable = true
[destination_kinds]
paypal_email = {{ parser = "email", assets = ["EUR"] }}
vague_email = {{ parser = "email", assets = ["EUR"] }}
manual_note = {{ parser = "note", assets = ["EUR"] }}
gift_card = {{ parser = "note", assets = ["EUR"] }}
[pools.season-eur]
asset = "EUR"
[campaigns.season]
jurisdictions = ["DE"]
pools = {{ EUR = "season-eur" }}
[providers.by-hand]
type = "manual"
adapter = "manual"
enabled = true
[providers.bank]
type = "fiat_provider"
adapter = "fake"
enabled = true
call_timeout_seconds = 1.0
settings = {{ base_url = "{bank.url}", lookup = "none" }}
credentials = {{ api_token = "file:{bank.folder}/token", webhook_secret = "file:{bank.folder}/webhook-secret" }}
[providers.vague]
type = "fiat_provider"
adapter = "fake"
enabled = true
call_timeout_seconds = 1.0
settings = {{ base_url = "{vague.url}", lookup = "none" }}
credentials = {{ api_token = "file:{vague.folder}/token", webhook_secret = "file:{vague.folder}/webhook-secret" }}
[providers.cards]
type = "gift_card"
adapter = "reloadly"
enabled = true
call_timeout_seconds = 1.0
settings = {{ base_url = "{cards.url}", token_url = "{cards.url}", sender_name = "A game", first_sync_after_seconds = 0.2 }}
credentials = {{ client_id = "env:CANARY_CARDS_ID", client_secret = "env:CANARY_CARDS_SECRET" }}
[[routes]]
destination_kind = "gift_card"
provider = "cards"
[[routes]]
destination_kind = "vague_email"
provider = "vague"
[[routes]]
destination_kind = "manual_note"
provider = "by-hand"
[[routes]]
destination_kind = "paypal_email"
provider = "bank"
[[events.endpoints]]
name = "game"
url = "{game}"
secret = "env:CANARY_EVENT_SECRET"
allow_private = true
"""


@dataclass(kw_only=True)
class Surroundings:
    """Where everything is. `folder` is ours and is searched; `outside` is other people's."""

    folder: Path
    outside: Path
    dsn: str
    bank: FakeProviderProcess
    cards: ReloadlyDouble
    env: Mapping[str, str]
    game: "Game"
    config: str
    postgres_log: Path

    @contextmanager
    def process(self, name: str) -> Iterator[dict[str, str]]:
        """`rewardrails NAME` as a process whose words end up in NAME.out and NAME.log of our folder."""
        command = [sys.executable, "-m", "rewardrails.cli", "--json", name, "--end-with-stdin"]
        with (self.folder / f"{name}.log").open("ab") as log, (self.folder / f"{name}.out").open("ab") as out:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **self.env, "DATABASE_URL": self.dsn},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
            try:
                line = process.stdout.readline()
                out.write(line)
                assert line, (self.folder / f"{name}.log").read_text()
                yield json.loads(line)
            finally:
                process.terminate()
                rest, _ = process.communicate(timeout=STOP_SECONDS)
                out.write(rest)


class Game(ThreadingHTTPServer):
    """A game's endpoint; keeps every delivery whole, and refuses the first ones."""

    def __init__(self, secret_path: str) -> None:
        super().__init__(("127.0.0.1", 0), _Deliveries)
        self.got: list[bytes] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/{secret_path}"


class _Deliveries(BaseHTTPRequestHandler):
    server: Game

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(bytes(self.headers) + body)
        self.send_response(500 if len(self.server.got) <= 3 else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Its own log is not ours."""


@contextmanager
def around(root: Path, *, password: str, secret_path: str, env: Mapping[str, str]) -> Iterator[Surroundings]:
    """Database, rail and game, and a configuration that names them; `password` is part of the database's address."""
    folder, outside = root / "ours", root / "outside"
    for each in (folder, outside):
        each.mkdir()
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres.start(root / "pg", settings=FAST_AND_FORGETFUL))
        postgres.ensure_database("rewardrails")
        dsn = postgres.dsn("rewardrails").replace("rewardrails@", f"rewardrails:{password}@", 1)
        migrate.upgrade(dsn)
        game = stack.enter_context(_running(Game(secret_path)))
        cards = stack.enter_context(_selling())
        port = _free_port()
        hook = ("--webhook-url", f"http://127.0.0.1:{port}/v1/webhooks/bank")
        bank = FakeProviderProcess(outside / "bank", arguments=["--mix", MIX, "--settle-seconds", "0.1", *hook])
        vague = FakeProviderProcess(outside / "vague", arguments=["--mix", "lose_reply=1"])
        for rail in (bank, vague):
            rail.launch()
            stack.callback(rail.end)
        yield Surroundings(
            folder=folder,
            outside=outside,
            dsn=dsn,
            bank=bank,
            cards=cards,
            env={"CANARY_CARDS_ID": CLIENT_ID, "CANARY_CARDS_SECRET": CLIENT_SECRET, **env},
            game=game,
            config=CONFIG.format(port=port, bank=bank, vague=vague, cards=cards, game=game.url),
            postgres_log=root / "pg" / "log",
        )


@contextmanager
def _running(game: Game) -> Iterator[Game]:
    serving = Thread(target=game.serve_forever)
    serving.start()
    try:
        yield game
    finally:
        game.shutdown()
        serving.join()
        game.server_close()


@contextmanager
def _selling() -> Iterator[ReloadlyDouble]:
    """A shop that sells at once, in a thread of its own."""
    loop, double = asyncio.new_event_loop(), ReloadlyDouble()
    double.currency, double.sells_at_once = "EUR", True
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(double.__aenter__(), loop).result(STOP_SECONDS)
        yield double
        asyncio.run_coroutine_threadsafe(double.__aexit__(None, None, None), loop).result(STOP_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
