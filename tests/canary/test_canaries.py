"""No secret and no personal datum stands in anything that a whole season produced, errors and all."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary.run import Run, started
from tests.canary.search import Produced, Shown, hits
from tests.canary.season import play
from tests.canary.values import Canary

WHOLE_DESTINATION = frozenset({"destination", "name", "memo"})
# What the contract itself shows, to whom, and why. Everything else is a leak.
SHOWN = (
    Shown("api POST /v1/keys 201", frozenset({"api key"}), "a new key is told once, to whoever made it"),
    Shown("cli keys create", frozenset({"api key"}), "the same"),
    Shown("folder/.rewardrails/admin.key", frozenset({"api key"}), "the first key's file, for its owner's eyes only"),
    Shown("api POST /v1/payouts/*/value 200", frozenset({"code"}), "the game shows it to its player"),
    Shown("api GET /v1/manual 200", WHOLE_DESTINATION, "whoever pays by hand must see where to"),
    Shown("cli manual next", WHOLE_DESTINATION, "the same"),
    Shown("folder/queue.csv", WHOLE_DESTINATION, "the same, as a file for its owner's eyes only"),
    Shown("folder/rewardrails.toml", frozenset({"endpoint address"}), "the operator's own file, which we only read"),
    Shown("api GET /v1/payouts/* 200", frozenset({"evidence", "proof", "reason"}), "whoever confirms must see it"),
    Shown("cli payouts show", frozenset({"evidence", "proof", "reason"}), "the same"),
)
KINDS = WHOLE_DESTINATION | {
    *(
        "api key",
        "code",
        "database password",
        "endpoint address",
        "event secret",
        "evidence",
        "forged notice",
        "master key",
    ),
    *("proof", "provider token", "reason", "refused destination", "unknown api key", "webhook secret"),
}


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A season that is over. Not below pytest's own folder, which the database's account may not enter."""
    root = Path(tempfile.mkdtemp(prefix="rr-canary-"))
    try:
        with started(root) as one:
            play(one)
        yield one
    finally:
        shutil.rmtree(root)


@pytest.mark.promise("G6")
@pytest.mark.incident("I25")
def test_nothing_that_a_season_produced_holds_a_secret_or_a_personal_datum(run):
    assert hits(run.produced, run.canaries, SHOWN) == []


def test_the_season_met_what_it_was_meant_to_meet(run):
    """A run in which nothing happened would leak nothing either."""
    places = {where for where, _ in run.produced.parts()}
    assert {canary.kind for canary in run.canaries} == KINDS
    assert run.statuses >= {200, 201, 401, 403, 404, 409, 500}
    assert {"folder/serve.log", "folder/worker.log", "event deliveries", "api GET /metrics 200"} <= places
    assert any(where.startswith("postgres log/") for where in places)
    journal = (run.around.bank.folder / "journal.jsonl").read_bytes()
    addresses = [canary for canary in run.canaries if canary.kind == "destination" and "@" in canary.text]
    assert sum(canary.text.encode() in journal for canary in addresses) >= 20, "the rail was told where to pay"
    for shown in SHOWN:
        there = [
            canary for canary in run.canaries if canary.kind in shown.kinds and run.produced.shows(canary, shown.where)
        ]
        assert there, f"{shown.where} shows nothing: is it still needed?"


@pytest.mark.parametrize("how", list(dict.fromkeys(Canary("memo", "zq0123456789abcdef@x y").disguises().values())))
def test_a_planted_leak_is_found_in_every_disguise(how):
    canary = Canary("memo", "zq0123456789abcdef@x y")
    (needle, *_) = [needle for needle, name in canary.disguises().items() if name == how]
    produced = Produced()
    produced.add("some.log", b'{"event": "' + needle + b'"}')

    (hit, *_) = hits(produced, [canary], SHOWN)

    assert (hit.where, hit.kind, hit.how) == ("some.log", "memo", how)


def test_a_line_of_a_real_log_that_names_a_player_is_found(run):
    leaky = Produced()
    for where, content in run.produced.parts():
        leaky.add(where, content)
    address = next(canary for canary in run.canaries if canary.kind == "destination")
    leaky.add("folder/serve.log", f'{{"event": "sent", "to": "{address.text}"}}')

    assert {(hit.where, hit.kind) for hit in hits(leaky, [address], SHOWN)} == {("folder/serve.log", "destination")}
