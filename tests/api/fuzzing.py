"""Requests made from the published schema: never a 5xx, always as documented, never without a key."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, ignored_auth, response_schema_conformance

from tests.api.client import REWARD, Api, SignedRail, running_api
from tests.support.scripted_rail import ScriptedRail, accept
from tests.support.season import opened_core

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
OPEN_WITHOUT_A_KEY = ("/healthz", "/readyz", "/v1/webhooks")
# Every so many requests an object in the address is one that exists.
KNOWN_EVERY = 2


@dataclass(frozen=True)
class Target:
    """A running API, an admin's key, and by the parameter's name ids of things that exist."""

    address: str
    token: str
    known: Mapping[str, str]


@contextmanager
def fuzzed_api(dsn: str) -> Iterator[Target]:
    """An API that runs in a thread of its own: the fuzzer is synchronous."""
    started, stop = threading.Event(), threading.Event()
    found: list[Target] = []

    async def run() -> None:
        rails = [SignedRail("one"), ScriptedRail("two", accept)]
        async with opened_core(dsn, rails) as core, running_api(core) as api:
            found.append(Target(str(api.session._base_url).rstrip("/"), api.token, await _known(api)))
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert started.wait(60)
        yield found[0]
    finally:
        stop.set()
        thread.join()


def attack(target: Target, *, examples: int, seed_of_all: int) -> Counter[int]:
    """So many requests per operation; answers how many came back with each class of status."""
    statuses: Counter[int] = Counter()
    for result in schemathesis.openapi.from_url(f"{target.address}/openapi.json").get_all_operations():
        statuses += _attack_one(target, result.ok(), examples, seed_of_all)
    return statuses


def _attack_one(target: Target, operation: APIOperation, examples: int, seed_of_all: int) -> Counter[int]:
    statuses: Counter[int] = Counter()
    headers = {"Authorization": f"Bearer {target.token}"}
    checks = CHECKS if operation.path.startswith(OPEN_WITHOUT_A_KEY) else [*CHECKS, ignored_auth]

    @seed(seed_of_all)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def one(case: schemathesis.Case) -> None:
        if statuses.total() % KNOWN_EVERY:
            known = {name: target.known[name] for name in case.path_parameters or {} if name in target.known}
            case.path_parameters = {**(case.path_parameters or {}), **known}
        response = case.call_and_validate(base_url=target.address, headers=headers, checks=checks)
        statuses[response.status_code // 100] += 1

    one()
    return statuses


async def _known(api: Api) -> dict[str, str]:
    row = ",".join(str(REWARD[name]) for name in ("reward_id", "player_id", "campaign", "amount", "asset"))
    header = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"
    batch = await api.post(
        "/v1/batches?name=season",
        raw=f"{header}{row},DE,paypal_email,player@example.org,\n".encode(),
        headers={"Content-Type": "text/csv"},
    )
    pause = await api.post("/v1/pauses", {"scope": "campaign", "subject": "other", "reason": "x"})
    key = await api.post("/v1/keys", {"name": "game", "scopes": ["read"]}, key=None)
    return {
        "payout_id": await api.payout(7),
        "pool_id": (await api.get("/v1/pools")).json["pools"][0]["id"],
        "batch_id": batch.json["id"],
        "pause_id": pause.json["id"],
        "key_id": key.json["id"],
        "provider": "one",
    }
