"""Each vendor's adapter against the double of its vendor, beside that double driven by a bare client; and one vendor away.

Doubles are written for truth, not for speed: one thread each, in this process. The bare client sends what an adapter has to
send for one payout, from a loop with as many calls at once, and keeps nothing.
"""

import asyncio
import random  # noqa: TID251 - a season wants the same chance each time
import tempfile
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from bench.figure import Figure, Sizes
from rewardrails import ids
from rewardrails.store.embedded import EmbeddedPostgres
from tests.vendors.hosted import Hosted
from tests.vendors.paypal import double as paypal
from tests.vendors.reloadly import double as reloadly
from tests.vendors.season.counterpart import CALM
from tests.vendors.season.paying import Season, season
from tests.vendors.stripe import double as stripe
from tests.vendors.tremendous import double as tremendous
from tests.vendors.vendors import VENDORS
from tests.vendors.wise import double as wise

AT_ONCE = 32
UNLIMITED = f"max_in_flight = {AT_ONCE}\nrate_per_second = 100000.0"
AWAY = "wise"
LONGEST_SECONDS = 300.0
NUMBERS = count(1)
Call = Callable[..., Awaitable[Any]]
# From the first order that went out to the last one that is paid.
SPAN = """
SELECT min(event.created_at) FILTER (WHERE event.type = 'payout.submitting') AS first,
       max(event.created_at) FILTER (WHERE event.type = 'payout.paid') AS last
  FROM event JOIN payout ON payout.id = event.subject_id WHERE payout.campaign = ANY ($1::text[])
"""
UNPAID = "SELECT FROM payout WHERE state <> 'paid' AND campaign = ANY ($1::text[]) LIMIT 1"


async def each_vendor(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """Sent, told by signed notice (Reloadly: asked), paid, over each vendor alone."""
    figures = []
    for name in VENDORS:
        limit = await _bare(name, sizes.vendor)
        ours = await _paid(server, [name], sizes.vendor)
        figures.append(Figure(what=f"{name}: payouts/s", beside="its double, a bare client", ours=ours, limit=limit))
    return figures


async def one_away(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """The other vendors' payouts while one is away with as many of its own waiting, beside the same without those."""
    others = [name for name in VENDORS if name != AWAY]
    limit = await _paid(server, others, sizes.vendor * len(others))
    ours = await _paid(server, others, sizes.vendor * len(others), away=AWAY)
    what = f"the others' payouts/s while {AWAY} is away"
    return [Figure(what=what, beside="nothing waits for it", ours=ours, limit=limit)]


async def _paid(server: EmbeddedPostgres, names: Sequence[str], payouts: int, *, away: str = "") -> float:
    database = f"bench_{ids.new_id().hex}"
    server.ensure_database(database)
    taking_part = [*names, *([away] if away else [])]
    with tempfile.TemporaryDirectory() as folder:
        surroundings = season(
            Path(folder), server.dsn(database), random.Random(1), names=taking_part, weather=CALM, limits=UNLIMITED
        )
        async with surroundings as one:
            await one.take_on(payouts, by=names)
            if away:
                await one.take_on(payouts // len(names), by=[away])
                relay = one.vendors[away].hosted.relay
                assert relay is not None
                relay.go_away()
            for vendor in one.vendors.values():
                _make_ready(vendor.hosted)
            async with one.being_paid():
                seconds = await _seconds(one, names)
    return payouts / seconds


async def _seconds(one: Season, names: Sequence[str]) -> float:
    async with asyncio.timeout(LONGEST_SECONDS):
        while await one.stage.rows(UNPAID, list(names)):  # noqa: ASYNC110 - other processes work
            await asyncio.sleep(0.1)
    ((first, last),) = [tuple(row.values()) for row in await one.stage.rows(SPAN, list(names))]
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return (last - first).total_seconds()


def _make_ready(hosted: Hosted) -> None:
    """What a double does for the sake of tests alone is left away."""
    hosted.vendor.settings(hosted.double)
    if isinstance(hosted.double, paypal.PayPalDouble):
        hosted.double.judged_at_most = 0


async def _bare(name: str, payouts: int) -> float:
    numbers = iter(range(payouts))
    with Hosted(VENDORS[name]) as hosted:
        _make_ready(hosted)
        async with aiohttp.ClientSession() as session:
            call = await _caller(session, name, hosted.double)

            async def work() -> None:
                for _ in numbers:
                    await BARE[name](call, str(next(NUMBERS)))

            started = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
            return payouts / (time.perf_counter() - started)


async def _caller(session: aiohttp.ClientSession, name: str, double: Any) -> Call:
    headers = await _headers(session, name, double)

    async def call(method: str, path: str, body: object = None, key: str = "") -> Any:
        more = {"Idempotency-Key": key} if key else {}
        async with session.request(method, f"{double.url}{path}", json=body, headers=headers | more) as answer:
            return await answer.json()

    return call


async def _headers(session: aiohttp.ClientSession, name: str, double: Any) -> dict[str, str]:
    match name:
        case "tremendous":
            return {"Authorization": f"Bearer {tremendous.API_KEY}"}
        case "wise":
            return {"Authorization": f"Bearer {wise.API_TOKEN}"}
        case "stripe":
            return {"Authorization": f"Bearer {stripe.API_KEY}", "Stripe-Version": stripe.VERSION}
        case "paypal":
            pair = b64encode(f"{paypal.CLIENT_ID}:{paypal.CLIENT_SECRET}".encode()).decode()
            form, basic = {"grant_type": "client_credentials"}, {"Authorization": f"Basic {pair}"}
            async with session.post(f"{double.url}/v1/oauth2/token", data=form, headers=basic) as answer:
                return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
        case _:
            wanted = {
                "client_id": reloadly.CLIENT_ID,
                "client_secret": reloadly.CLIENT_SECRET,
                "grant_type": "client_credentials",
                "audience": reloadly.AUDIENCE,
            }
            double.sells_at_once = True
            async with session.post(f"{double.url}/oauth/token", json=wanted) as answer:
                token = (await answer.json())["access_token"]
            return {"Authorization": f"Bearer {token}", "Accept": reloadly.VERSION}


async def _paypal(call: Call, number: str) -> None:
    item = {
        "recipient_type": "EMAIL",
        "amount": {"value": "10.00", "currency": "EUR"},
        "receiver": f"player{number}@example.org",
        "sender_item_id": number,
    }
    made = await call("POST", paypal.PAYOUTS, {"sender_batch_header": {"sender_batch_id": number}, "items": [item]})
    await call("GET", f"{paypal.PAYOUTS}/{made['batch_header']['payout_batch_id']}")


async def _reloadly(call: Call, number: str) -> None:
    order = {
        "productId": reloadly.RANGED,
        "quantity": 1,
        "unitPrice": 10.0,
        "customIdentifier": number,
        "senderName": "A game",
    }
    made = await call("POST", "/orders", order)
    await call("GET", f"/orders/transactions/{made['transactionId']}/cards")


async def _stripe(call: Call, number: str) -> None:
    wanted = {
        "amount": {"value": 1_000, "currency": "eur"},
        "from": {"financial_account": stripe.ACCOUNT, "currency": "eur"},
        "to": {"recipient": f"acct_{number}", "currency": "eur"},
        "confirmation_method": "manual",
        "metadata": {"rewardrails_key": number},
    }
    intents = f"{stripe.BASE}/payout_intents"
    made = await call("POST", intents, wanted, f"i{number}")
    confirmed = await call("POST", f"{intents}/{made['id']}/confirm", {}, f"c{number}")
    await call("GET", f"{stripe.BASE}/outbound_payments/{confirmed['latest_payout']['outbound_payment']}")


async def _tremendous(call: Call, number: str) -> None:
    reward = {
        "campaign_id": tremendous.CAMPAIGN,
        "value": {"denomination": 10.0, "currency_code": "EUR"},
        "recipient": {"email": f"player{number}@example.org"},
        "delivery": {"method": "EMAIL"},
    }
    order = {"external_id": number, "payment": {"funding_source_id": tremendous.FUNDING_SOURCE}, "reward": reward}
    made = await call("POST", "/orders", order)
    await call("GET", f"/orders/{made['order']['id']}")


async def _wise(call: Call, number: str) -> None:
    profile = f"/v3/profiles/{wise.PROFILE}"
    quote = await call(
        "POST", f"{profile}/quotes", {"sourceCurrency": "EUR", "targetCurrency": "EUR", "targetAmount": 10.0}
    )
    person = {"accountHolderName": "Player Number", "currency": "EUR", "type": "email"}
    details = {"details": {"email": f"player{number}@example.org"}}
    recipient = await call("POST", "/v1/accounts", person | details)
    transfer = {
        "targetAccount": recipient["id"],
        "quoteUuid": quote["id"],
        "customerTransactionId": str(ids.new_id()),
        "details": {},
    }
    made = await call("POST", "/v1/transfers", transfer)
    await call("POST", f"{profile}/transfers/{made['id']}/payments", {"type": "BALANCE"})
    await call("GET", f"/v1/transfers/{made['id']}")


BARE: Mapping[str, Callable[[Call, str], Awaitable[None]]] = {
    "paypal": _paypal,
    "reloadly": _reloadly,
    "stripe": _stripe,
    "tremendous": _tremendous,
    "wise": _wise,
}
