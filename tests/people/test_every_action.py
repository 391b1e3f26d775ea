"""Every action over HTTP leaves an event with its actor, and with the request it came from."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rewardrails.api.access import route_needs
from rewardrails.api.app import create_app
from rewardrails.domain.outcome import OutcomeUnknown
from rewardrails.engine.batches import start_chunk
from rewardrails.ownership.registry import build_proofs
from rewardrails.security.keys import Scope
from rewardrails.security.operators import NewOperator, add
from rewardrails.security.roles import Role
from tests.api.client import HEADER, REWARD, Answer, Api, SignedRail, running_api
from tests.api.conftest import MANUAL
from tests.api.test_bad_input import APPROVAL, CHECK, RISK
from tests.people.conftest import REAL
from tests.people.test_telegram import BOT_TOKEN, USER, fields, signed
from tests.support import season
from tests.support.listing_rail import BankRail, ListingRail
from tests.support.people import person, session_of
from tests.support.scripted_rail import accept

pytestmark = pytest.mark.promise("G5")
SILENT = {
    ("POST", "/v1/quotes"): "a price decides nothing",
    ("POST", "/v1/players/{player_id}/ownership/challenges"): "a question decides nothing",
    ("POST", "/v1/webhooks"): "a notice is kept whole; what it does to a payout is told",
}
BATCH = {"Content-Type": "text/csv"}
RULES = """
[sign_in]
tries_per_address = 1000
[sign_in.telegram]
bot_token = "env:BOT_TOKEN"
[[approvals]]
name = "large"
needs = 2
asset = "EUR"
above = "20.00"
[destination_kinds.paypal_email.rules]
proofs = ["attested"]
prove_above = { EUR = "1000.00" }
"""
CLAIM = {"destination_kind": "paypal_email", "destination": "player@example.org"}


@pytest.fixture
async def api(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    monkeypatch.setenv("BOT_TOKEN", BOT_TOKEN)
    rails = [SignedRail("one"), ListingRail("two", accept), BankRail("by-hand", accept, MANUAL)]
    async with (
        season.opened_core(database_dsn, rails, config=REAL + RULES) as core,
        running_api(replace(core, proofs=build_proofs(["attested"]))) as running,
    ):
        yield running


class Walk:
    """Does one thing after the other, and keeps the answer to each."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.done: dict[tuple[str, str], Answer] = {}

    async def do(
        self, route: str, body: object = None, *, method: str = "POST", token: str | None = None, **more
    ) -> dict:
        """Call `route`, in which {..=VALUE} stands for VALUE and {...} in the table of routes."""
        template, path = route, route
        for name, value in more.pop("where", {}).items():
            path = path.replace(f"{{{name}}}", str(value))
        answer = await self.api.call(method, path, body=body, token=token, **more)
        assert 200 <= answer.status < 300, (route, answer.status, answer.body)
        self.done[method, template.partition("?")[0]] = answer
        return answer.json if answer.body else {}


async def test_every_action_over_http_is_an_event_of_its_request(api: Api) -> None:
    walk = Walk(api)
    ann, ben = [await api.key_with({Scope.APPROVE, Scope.COMPLY, Scope.RESOLVE}) for _ in range(2)]
    await money(walk)
    await payouts(walk, ben)
    await gates(walk, ann, ben)
    await batch(walk, ann)
    await reconciliations(walk)
    await people(walk)

    app = create_app(None)  # type: ignore[arg-type]
    acting = {(row.method, row.path) for row in route_needs(app) if row.method != "GET"}
    assert acting - SILENT.keys() == walk.done.keys()
    async with api.core.database.reading() as connection:
        origins = {row["origin"] for row in await connection.fetch("SELECT DISTINCT origin FROM event")}
    silent = {route for route, answer in walk.done.items() if f"api:{answer.headers['X-Request-Id']}" not in origins}
    assert silent == set()


async def money(walk: Walk) -> None:
    pool = await walk.do("/v1/pools", {"name": "grant", "asset": "EUR"})
    where = {"pool_id": pool["id"]}
    moved = {"source": "grant", "amount": "10.00", "reference": "g-1"}
    await walk.do("/v1/pools/{pool_id}/fundings", moved, where=where)
    await walk.do("/v1/pools/{pool_id}/withdrawals", moved, where=where)
    await walk.do(
        "/v1/rates", {"rates": {"EUR": "1.08"}, "dated": "2026-01-02T00:00:00Z", "source": "the central bank"}
    )


async def payouts(walk: Walk, second: str) -> None:
    made = await walk.do("/v1/payouts", REWARD | {"reward_id": "a"})
    where = {"payout_id": made["id"]}
    await walk.do("/v1/payouts/{payout_id}/hold", {"cause": "asked"}, where=where)
    await walk.do("/v1/payouts/{payout_id}/release", where=where)
    await walk.do("/v1/payouts/{payout_id}/destination", {"destination": "b@example.org"}, where=where)
    await walk.do("/v1/payouts/{payout_id}/cancel", where=where)
    await unknown(walk, second)
    desk = {"asset": "USD", "destination_kind": "manual_note", "destination": "desk 4"}
    by_hand = [await walk.api.payout(number, **desk) for number in (2, 3)]
    await season.send_all(walk.api.core, "by-hand")
    await walk.do("/v1/manual/{payout_id}/settle", {"proof": "receipt 17"}, where={"payout_id": by_hand[0]})
    refused = {"payout_id": by_hand[1]}
    await walk.do("/v1/manual/{payout_id}/refuse", {"reason": "nobody there"}, where=refused)
    await walk.do("/v1/payouts/{payout_id}/retry", where=refused)


async def unknown(walk: Walk, second: str) -> None:
    async def vanish(*_: object) -> OutcomeUnknown:
        return OutcomeUnknown()

    where = {"payout_id": await walk.api.payout(1)}
    walk.api.core.providers["one"].script = vanish  # type: ignore[attr-defined]
    await season.send_all(walk.api.core)
    said = {"outcome": "paid", "evidence": "statement 4711 at the provider"}
    await walk.do("/v1/payouts/{payout_id}/resolve", said, where=where)
    await walk.do("/v1/payouts/{payout_id}/resolve", said, where=where, token=second)


async def gates(walk: Walk, ann: str, ben: str) -> None:
    pause = await walk.do("/v1/pauses", {"scope": "provider", "subject": "two", "reason": "maintenance"})
    await walk.do("/v1/pauses/{pause_id}/lift", where={"pause_id": pause["id"]})
    legal = await walk.do("/v1/legal-approvals", APPROVAL, token=ann)
    where = {"approval_id": legal["id"]}
    await walk.do("/v1/legal-approvals/{approval_id}/confirm", where=where, token=ben)
    await walk.do("/v1/legal-approvals/{approval_id}/revoke", {"reason": "the licence lapsed"}, where=where, token=ann)
    listed = "/v1/address-lists?name=sdn&kind=sanctions&source=treasury&dated=2026-01-02T00:00:00Z"
    await walk.do(listed, raw=b"listed@example.org")
    await walk.do("/v1/players/checks", {"reports": [CHECK]})
    await walk.do("/v1/players/risk", {"reports": [RISK]})
    large = await walk.api.payout(4, amount="21.00")
    await walk.do("/v1/approvals", await walk.api.seen(large), token=ann)
    player = {"player_id": "player:1"}
    asked = await walk.api.post("/v1/players/player:1/ownership/challenges", CLAIM | {"proof": "attested"})
    claim = CLAIM | {"challenge_id": asked.json["challenge_id"], "answer": "mail/17"}
    await walk.do("/v1/players/{player_id}/ownership/proofs", claim, where=player)
    await walk.api.payout(5, player_id="player:5")
    other = (await walk.api.get("/v1/payouts?player_id=player:5")).json["payouts"][0]["id"]
    await walk.api.post(f"/v1/payouts/{other}/cancel")
    await walk.do("/v1/players/{player_id}/erase", {"reason": "case 14"}, where={"player_id": "player:5"})


async def batch(walk: Walk, ann: str) -> None:
    raw = (HEADER + "c-1,player:7,season,30.00,EUR,DE,paypal_email,p7@example.org,\n").encode()
    staged = await walk.do("/v1/batches?name=week", raw=raw, headers=BATCH)
    where = {"batch_id": staged["id"]}
    await walk.do("/v1/batches/{batch_id}/start", where=where)
    while await start_chunk(walk.api.core):
        pass
    seen = (await walk.api.get(f"/v1/approvals?batch_id={staged['id']}")).json["waiting"]
    await walk.do("/v1/batches/{batch_id}/approve", {"seen": seen}, where=where, token=ann)


async def reconciliations(walk: Walk) -> None:
    await walk.do("/v1/reconciliations", {"provider": "two"})
    await walk.do("/v1/reconciliations/statements?provider=by-hand", raw=b"a statement")
    finding = (await walk.api.get("/v1/findings")).json["findings"][0]["id"]
    where = {"finding_id": finding}
    await walk.do("/v1/findings/{finding_id}/close", {"reason": "the rent"}, where=where)


async def people(walk: Walk) -> None:
    key = await walk.do("/v1/keys", {"name": "game", "scopes": ["read"]}, key=None)
    await walk.do("/v1/keys/{key_id}/revoke", where={"key_id": key["id"]}, key=None)
    who = await person(walk.api.core, Role.ADMIN)
    signed_in = await walk.do("/v1/sessions", who.proof(), token="", key=None)
    token = signed_in["token"]
    await walk.do("/v1/sessions/step-up", {"totp": who.code(1)}, token=token, key=None)
    await walk.do("/v1/sessions/current", method="DELETE", token=token, key=None)
    known = NewOperator(name="tel", roles=frozenset({Role.VIEWER}), telegram_id=USER)
    await add(walk.api.core.database, walk.api.core.vault, known, actor="test")
    await walk.do("/v1/sign-in/telegram", {"init_data": signed(fields())}, token="", key=None)
    assert await session_of(walk.api.core, who)
