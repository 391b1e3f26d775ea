"""What the game hears: sealed in order, signed, delivered until it answers, verified by the official library."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from rewardrails.engine.read import list_events
from rewardrails.errors import FieldInvalid
from rewardrails.events.deliver import Deliverer, Endpoint
from rewardrails.events.egress import Egress, EgressFailed, check_url, is_public
from rewardrails.events.seal import seal
from rewardrails.events.verify import verify_log
from rewardrails.secrets import Secret
from tests.support.scripted_rail import ScriptedRail, accept
from tests.support.sealing import seal_everything
from tests.support.season import opened_core, request, reward, send_all

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Game:
    """A game's endpoint on a real socket; answers what `status` says and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[dict[str, object]] = []
        self.statuses: dict[str, int] = {}
        self.status = 200
        self.before_failing: Callable[[], Awaitable[None]] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = Webhook(SECRET).verify(body, dict(request.headers))
        if self.before_failing is not None:
            meanwhile, self.before_failing = self.before_failing, None
            await meanwhile()
            return web.Response(status=500)
        status = self.statuses.get(event["data"]["payout_id"], self.status)
        if status == 200:
            self.got.append(event)
        return web.Response(status=status)


@asynccontextmanager
async def listening():
    game = Game()
    app = web.Application()
    app.router.add_post("/events", game.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield game, f"http://127.0.0.1:{port}/events"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def delivering(core, url, *, allow_private=True):
    deliverer = Deliverer(
        core.database, Endpoint(name="game", url=url, secret=Secret(SECRET), allow_private=allow_private)
    )
    try:
        yield deliverer
    finally:
        await deliverer.close()


async def everything(deliverer, core):
    while await deliverer.deliver():
        pass


async def make_due(core):
    async with core.database.transaction() as tx:
        await tx.execute("UPDATE delivery SET due_at = rr_now() WHERE delivered_at IS NULL")


@pytest.mark.promise("G5")
async def test_the_game_hears_every_change_in_order_and_can_verify_it(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core, listening() as (game, url):
        await request(core, [reward(n) for n in range(5)])
        await send_all(core)
        await seal_everything(core.database, ["game"])
        async with delivering(core, url) as deliverer:
            await everything(deliverer, core)

        by_payout: dict[object, list[object]] = {}
        for event in game.got:
            by_payout.setdefault(event["data"]["payout_id"], []).append(event["type"])
        assert len(by_payout) == 5
        assert all(types == ["payout.accepted", "payout.pending"] for types in by_payout.values())
        assert game.got[0]["data"]["amount"] == "10.00"


@pytest.mark.promise("G8")
async def test_a_failing_payout_keeps_its_order_and_holds_up_nobody_else(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core, listening() as (game, url):
        first, second = await request(core, [reward(1), reward(2)])
        await send_all(core)
        await seal_everything(core.database, ["game"])
        game.statuses[str(first.payout_id)] = 500
        async with delivering(core, url) as deliverer:
            await everything(deliverer, core)
            assert {event["data"]["payout_id"] for event in game.got} == {str(second.payout_id)}

            game.statuses.clear()
            await make_due(core)
            await everything(deliverer, core)

        mine = [event["type"] for event in game.got if event["data"]["payout_id"] == str(first.payout_id)]
        assert mine == ["payout.accepted", "payout.pending"]


@pytest.mark.promise("G2")
async def test_a_failed_delivery_is_tried_again_later_and_given_up_after_days(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core, listening() as (game, url):
        await request(core, [reward(1)])
        await seal_everything(core.database, ["game"])
        game.status = 503
        async with delivering(core, url) as deliverer:
            waits = []
            for _ in range(14):
                await make_due(core)
                assert await deliverer.deliver() == 1
                async with core.database.reading() as connection:
                    row = await connection.fetchrow(
                        "SELECT extract(epoch FROM due_at - rr_now())::float8 AS wait, given_up_at FROM delivery"
                    )
                waits.append(row["wait"])
            assert row["given_up_at"] is not None
            assert sum(waits[:13]) > 3 * 24 * 3600
            await make_due(core)
            assert await deliverer.deliver() == 0


@pytest.mark.promise("G5")
async def test_events_can_be_read_again_from_any_position(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await request(core, [reward(n) for n in range(3)])
        await send_all(core)
        await seal_everything(core.database, [])

        events = await list_events(core, limit=1000)
        assert [event.position for event in events] == list(range(1, len(events) + 1))
        assert [e.position for e in await list_events(core, after=4, limit=2)] == [5, 6]


@pytest.mark.promise("G2", "G5")
async def test_no_event_is_skipped_or_out_of_order_while_transactions_overlap(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", accept)], connections=12) as core:
        stop = asyncio.Event()

        async def sealing():
            while not stop.is_set():
                await seal(core.database, [], limit=37)

        sealer = asyncio.create_task(sealing())
        await asyncio.gather(*(request(core, [reward(c * 100 + n) for n in range(20)]) for c in range(10)))
        await asyncio.gather(*(send_all(core, wanted=25) for _ in range(10)))
        stop.set()
        await sealer
        await seal_everything(core.database, [])

        versions: dict[object, list[int]] = {}
        for event in await list_events(core, limit=100_000):
            versions.setdefault(event.subject_id, []).append(event.version)
        assert sum(map(len, versions.values())) >= 600
        assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())
        assert (await verify_log(core.database)).fault is None


@pytest.mark.promise("G5")
async def test_a_rewritten_event_breaks_the_chain(database_dsn, postgres_server):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await request(core, [reward(n) for n in range(3)])
        await seal_everything(core.database, [])
        assert (await verify_log(core.database)).fault is None

        owner = await asyncpg.connect(database_dsn)
        await owner.execute("SET session_replication_role = replica")
        await owner.execute("UPDATE event SET actor = 'nobody' WHERE position = 5")
        await owner.close()
        assert (await verify_log(core.database)).fault.position == 5


def test_a_changed_body_does_not_verify():

    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("evt_1", now, json.dumps({"a": 1}))
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(json.dumps({"a": 2}), headers)


@pytest.mark.promise("G7")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
    ],
)
def test_no_inside_address_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "1.1.1.1"])
def test_outside_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.promise("G7")
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://user:pass@example.com/",
        "ftp://example.com/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://",
        "file:///etc/passwd",
    ],
)
def test_endpoints_that_lead_inside_are_refused(url):
    with pytest.raises(FieldInvalid):
        check_url(url, allow_private=False)


@pytest.mark.promise("G7")
async def test_a_name_that_resolves_inside_is_refused_at_the_socket():
    egress = Egress(allow_private=False)
    try:
        with pytest.raises(EgressFailed):
            await egress.post("https://localhost.localdomain:1/", headers={}, body=b"{}")
    finally:
        await egress.close()


async def test_a_slow_failure_does_not_undo_what_another_process_has_delivered(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core, listening() as (game, url):
        await request(core, [reward(1)])
        await seal_everything(core.database, ["game"])
        async with delivering(core, url) as slow, delivering(core, url) as other:

            async def taken_over() -> None:
                await make_due(core)
                assert await other.deliver() == 1

            game.before_failing = taken_over
            await slow.deliver()
            await make_due(core)

            assert await slow.deliver() == 0
        assert len(game.got) == 1
