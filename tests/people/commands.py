"""Every command with arguments that reach the engine and find nothing there; people of every role to run them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.security.roles import Role
from tests.api.test_auth import NOWHERE
from tests.support.command_line import CommandLine
from tests.support.people import sessions_by_role

HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"
Words = Callable[[Path], list[str]]


def _of(*words: str) -> Words:
    return lambda _: list(words)


def _file(name: str, text: str, *words: str) -> Words:
    def made(folder: Path) -> list[str]:
        path = folder / name
        path.write_text(text)
        return [str(path), *words]

    return made


def _fresh(folder: Path) -> list[str]:
    """A place where no file is yet."""
    taken = len(list(folder.glob("export-*.csv")))
    return [str(folder / f"export-{taken}.csv")]


def _document(folder: Path) -> list[str]:
    (folder / "opinion.pdf").write_text("yes")
    reach = [
        "--type",
        "fiat-provider",
        "--adapter",
        "fake",
        "--asset",
        "EUR",
        "--jurisdiction",
        "DE",
        "--campaign",
        "*",
    ]
    return [*reach, "--until", "2000-01-01", "--document", str(folder / "opinion.pdf"), "--reference", "r"]


_REWARD = ("--campaign", "gone", "--reward-id", "r-1", "--player-id", "player:1", "--amount", "1", "--asset", "EUR")
_WHERE = ("--jurisdiction", "DE", "--destination-kind", "paypal_email", "--destination", "a@example.org")
_PLAYER = ("--player", "player:1", "--expires", "2000-01-01")
ARGUMENTS: dict[str, Words] = {
    "approvals approve": _of(NOWHERE),
    "approvals waiting": _of(),
    "audit export": _fresh,
    "audit public-key": _of(),
    "audit verify": _of(),
    "doctor": _of(),
    "events list": _of(),
    "findings close": _of(NOWHERE, "--reason", "their display is wrong"),
    "findings list": _of(),
    "findings runs": _of(),
    "findings show": _of(NOWHERE),
    "keys create": _of("k", "--scope", "read"),
    "keys list": _of(),
    "keys revoke": _of(NOWHERE),
    "ledger verify": _of(),
    "providers check": _of("nowhere"),
    "legal confirm": _of(NOWHERE),
    "legal list": _of(),
    "legal record": _document,
    "legal revoke": _of(NOWHERE, "--reason", "r"),
    "legal show": _of(NOWHERE),
    "lists load": _file("list.txt", "", "--name", "l", "--kind", "deny", "--source", "s"),
    "lists show": _of(),
    "manual bank-file": lambda folder: ["gone", *_fresh(folder)],
    "manual export": _fresh,
    "manual import": _file("results.csv", "payout_id,result,proof,reason\n"),
    "manual next": _of(),
    "manual refuse": _of(NOWHERE, "--reason", "r"),
    "manual settle": _of(NOWHERE, "--proof", "p"),
    "operators add": _of("ann", "--role", "viewer", "--telegram", "0"),
    "operators confirm": _of("nobody"),
    "operators disable": _of("nobody"),
    "operators list": _of(),
    "operators reset": _of("nobody"),
    "operators roles": _of("nobody", "--role", "viewer"),
    "pause lift": _of(NOWHERE),
    "pause list": _of(),
    "pause set": _of("campaign", "gone", "--reason", "r"),
    "payouts cancel": _of(NOWHERE),
    "payouts create": _of(*_REWARD, *_WHERE),
    "payouts destination": _of(NOWHERE, "a@example.org"),
    "payouts explain": _of(NOWHERE),
    "payouts hold": _of(NOWHERE, "--cause", "c"),
    "payouts holds": _of(),
    "payouts list": _of(),
    "payouts release": _of(NOWHERE),
    "payouts resolve": _of(NOWHERE, "--outcome", "paid", "--evidence", "seen at the provider"),
    "payouts retry": _of(NOWHERE),
    "payouts show": _of(NOWHERE),
    "players check": _of(*_PLAYER, "--kind", "kyc", "--result", "passed", "--reference", "r"),
    "players erase": _of("player:1", "--reason", "r"),
    "players risk": _of(*_PLAYER, "--score", "1", "--reason", "r"),
    "pools create": _of("season-eur", "EUR"),
    "pools fund": _of("gone", "1", "--source", "sponsor"),
    "pools list": _of(),
    "pools show": _of("season-eur"),
    "pools withdraw": _of("gone", "1", "--source", "sponsor"),
    "providers list": _of(),
    "rates set": _of("EUR=1", "--source", "s"),
    "rates show": _of(),
    "reconcile": _of("gone"),
    "season list": _of(),
    "season report": _of(NOWHERE),
    "season stage": _file("season.csv", HEADER),
    "season start": _of(NOWHERE),
    "vault reseal": _of(),
    "vault status": _of(),
}


@dataclass(frozen=True)
class Company:
    """One person for each role, signed in."""

    tokens: dict[Role, str]


def company(line: CommandLine) -> Company:
    """Everybody, on the command line's own database and keys."""

    async def hire() -> dict[Role, str]:
        config = Config.load(line.folder / "rewardrails.toml", {"DATABASE_URL": line.dsn})
        async with opened(config, folder=line.folder / ".rewardrails", process="test") as core:
            return await sessions_by_role(core)

    return Company(tokens=asyncio.run(hire()))
