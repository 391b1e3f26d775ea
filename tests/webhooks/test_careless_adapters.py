"""What an adapter reads in a genuine notice may be anything: the engine refuses it or puts it aside, and goes on."""

import random
from dataclasses import replace

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.webhooks import apply_notices
from rewardrails.security.vault import Vault
from tests.webhooks.door import Door
from tests.webhooks.wire_rail import WireRail

NOISE = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=100_000))
HOSTILE: dict[str, dict[str, object]] = {
    "null_key": {"rail_key": "\x00"},
    "surrogate_key": {"rail_key": "\ud800"},
    "long_key": {"rail_key": NOISE},
    "null_reference": {"provider_reference": "po_\x00"},
    "surrogate_reference": {"provider_reference": "po_\udcff"},
    "long_reference": {"provider_reference": NOISE},
    "null_reference_alone": {"rail_key": "", "provider_reference": "po_\x00"},
    "surrogate_reference_alone": {"rail_key": "", "provider_reference": "\udcff"},
    "null_reason": {"evidence": Evidence(provider_code="\x00")},
    "surrogate_reason": {"evidence": Evidence(provider_code="\ud800")},
    "surrogate_status": {"evidence": Evidence(provider_status="\ud800")},
    "endless_amount": {"amount": Money(amount_minor=10**5000, asset="EUR")},
    "negative_amount": {"amount": Money(amount_minor=-1, asset="EUR")},
    "null_asset": {"amount": Money(amount_minor=1000, asset="\x00")},
    "endless_fee": {"fee": Money(amount_minor=10**5000, asset="EUR")},
    "negative_fee": {"fee": Money(amount_minor=-1, asset="EUR")},
    "surrogate_destination": {"destination": Destination(kind="paypal_email", value="\ud800")},
    "null_destination": {"destination": Destination(kind="paypal_email", value="\x00")},
}
EVENT_KEYS = ("\x00", "\ud800", NOISE, "", " \n", "\u202e", "ключ")


class CarelessRail(WireRail):
    """Reads what it is told to read, once the signature holds."""

    reads: dict[str, object] = {}  # noqa: RUF012 - each test gives its own

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """The true observation with some of it replaced."""
        (seen,) = super().receive(request)
        return (replace(seen, **self.reads),)  # type: ignore[arg-type]


@pytest.fixture
def rails() -> list[WireRail]:
    return [CarelessRail("one"), WireRail("two")]


@pytest.mark.promise("G4", "G8")
async def test_whatever_an_adapter_reads_the_notice_is_refused_or_put_aside(door: Door, trials):
    for name, reads in HOSTILE.items():
        door.one.reads = reads

        reply = await door.tell("paid")

        assert (name, reply.status) in {(name, 200), (name, 422)}
    await door.apply()

    assert await door.state() == "pending"
    assert {state for state, _ in await door.inbox()} <= {"quarantined", "waiting"}
    trials(len(HOSTILE))


@pytest.mark.promise("G2", "G8")
async def test_one_notice_that_cannot_be_applied_holds_up_no_other(door: Door):
    for reads in HOSTILE.values():
        door.one.reads = reads
        await door.tell("paid")
    door.one.reads = {}
    await door.tell("paid")

    await door.apply()

    assert await door.state() == "paid"


@pytest.mark.promise("G4", "G8")
async def test_an_event_may_have_any_name(door: Door, trials):
    for number, key in enumerate(EVENT_KEYS):
        door.one.reads = {"event_key": key}

        replies = [await door.tell("paid", event=f"evt_{number}") for _ in range(2)]

        assert [reply.status for reply in replies] == [200, 200], number
    await door.apply()

    # Names that cannot be kept give way to the body's digest, and these bodies are all alike.
    assert await door.inbox() == [("applied", None)] * 2
    assert await door.state() == "paid"
    trials(len(EVENT_KEYS))


@pytest.mark.promise("G2", "G8")
async def test_a_notice_that_this_process_cannot_open_waits_and_holds_up_no_other(door: Door):
    seal, other = door.core.vault.seal, Vault.of_master(type(door.one.secret)("o" * 48))
    door.core.vault.seal = other.seal  # type: ignore[method-assign]
    await door.tell("paid")
    door.core.vault.seal = seal  # type: ignore[method-assign]
    await door.tell("processing")

    assert await apply_notices(door.core, 100) == 2
    assert await apply_notices(door.core, 100) == 0
    first = await door.inbox()
    await door.hour_passes()
    await door.apply()

    assert first == [("waiting", "config_invalid"), ("applied", None)]
    assert (await door.inbox())[0] == ("quarantined", "config_invalid")
