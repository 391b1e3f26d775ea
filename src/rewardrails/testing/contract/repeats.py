"""P-14 to P-20: the same key again."""

import asyncio
import json
from dataclasses import replace

from rewardrails.domain.outcome import Accepted, OutcomeUnknown, Rejected, Settled
from rewardrails.providers.capabilities import Dedupe
from rewardrails.providers.http import MaybeSentReason
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case
from rewardrails.testing.contract.conditions import DEDUPLICATES, OVER_A_WIRE, WINDOW
from rewardrails.testing.contract.double import Conduct

REPEATS = 5
AT_ONCE = 8


class Repeats(ContractFixtures):
    """Idempotency, counted in the provider's own journal."""

    @behaviour(14, "One key, one creation: one after the other", applies=OVER_A_WIRE & DEDUPLICATES)
    async def test_same_key_in_sequence(self, case: Case) -> None:
        """The same order sent five times is one creation."""
        order = case.order()
        for _ in range(REPEATS):
            await case.send(order)
        assert len(await case.journal(order)) == 1

    @behaviour(15, "One key, one creation: all at once", applies=OVER_A_WIRE & DEDUPLICATES)
    async def test_same_key_at_once(self, case: Case) -> None:
        """The same order sent eight times at once is one creation, and no answer calls it refused."""
        order = case.order()
        outcomes = await asyncio.gather(*(case.send(order) for _ in range(AT_ONCE)))
        assert len(await case.journal(order)) == 1
        assert not any(isinstance(outcome, Rejected) for outcome in outcomes), "a payout that exists was called refused"

    @behaviour(16, "One key, one creation: as long as declared", applies=OVER_A_WIRE & DEDUPLICATES & WINDOW)
    async def test_window_is_as_long_as_declared(self, case: Case) -> None:
        """Half the declared `dedupe_window` later the same order is still the same creation."""
        window = case.provider.capabilities.dedupe_window
        assert window is not None
        order = case.order()
        await case.send(order)
        await case.vendor.advance(window.total_seconds() / 2)
        await case.send(order)
        assert len(await case.journal(order)) == 1

    @behaviour(17, "The same order is the same bytes", applies=OVER_A_WIRE)
    async def test_same_bytes(self, case: Case) -> None:
        """Lost on the way and sent again, an order makes the same request to the letter: no clock, no chance and no counter
        in its body, but for the fields by which a vendor has it say who signs and when.
        """
        order = case.order()
        with case.wire.creations_meet(wire.maybe_sent(MaybeSentReason.DISCONNECTED, reaches_vendor=False)):
            await case.send(order)
        again, its_wire = case.another()
        await case.send(order, again)
        proof = case.subject.signed_fields
        first = [(sent.method, sent.url, _without(sent.body, proof)) for sent in case.wire.creations]
        assert first, "no creating request was seen: does the double's creates() know it?"
        assert [(sent.method, sent.url, _without(sent.body, proof)) for sent in its_wire.creations] == first, (
            "the resent request differs"
        )

    @behaviour(18, "A key belongs to its content", applies=OVER_A_WIRE & DEDUPLICATES)
    async def test_key_is_bound_to_content(self, case: Case) -> None:
        """Another amount under a key that was used pays nothing anew. Nor is it called refused: under that key there is a
        payout, and a certain refusal would set it free to be paid again.
        """
        order = case.order()
        await case.accepted(order)
        outcome = await case.send(replace(order, amount=case.money(order.amount.amount_minor + 1)))
        assert [taken.amount for taken in await case.journal(order)] == [order.amount]
        assert not isinstance(outcome, Rejected), "the key has a payout, and it was called refused"

    @behaviour(19, "A key seen before is no refusal", applies=DEDUPLICATES)
    async def test_repeat_is_not_a_refusal(self, case: Case) -> None:
        """An order sent again is answered as taken, under the same provider reference, or as unknown; never as rejected. A
        rail that declares `replay` repeats its first answer.
        """
        order = case.order()
        name = await case.accepted(order)
        again = await case.send(order)
        assert isinstance(again, Accepted | Settled | OutcomeUnknown), f"the repeat was answered {again!r}"
        if case.provider.capabilities.dedupe is Dedupe.REPLAY:
            assert isinstance(again, Accepted | Settled), "a rail that replays gave another answer"
        assert again.provider_reference in {name, ""}, "one key has two names"

    @behaviour(20, "Refusals are bound to the key as declared", applies=OVER_A_WIRE & DEDUPLICATES)
    async def test_replayed_errors(self, case: Case) -> None:
        """After a refusal that would no longer be given, the same key is refused again where `dedupe_replays_errors` is
        declared, and taken where it is not.
        """
        order = case.order()
        await case.vendor.behave(Conduct.REFUSE)
        assert isinstance(await case.send(order), Rejected)
        await case.vendor.behave(Conduct.ACCEPT)
        again = await case.send(order)
        replays = case.provider.capabilities.dedupe_replays_errors
        assert isinstance(again, Rejected if replays else Accepted | Settled), (
            f"declared {replays=}, answered {again!r}"
        )
        assert len(await case.journal(order)) == (0 if replays else 1)


def _without(body: bytes | None, fields: frozenset[str]) -> bytes | None:
    """A body, JSON or a form, less these fields; as it is where there are none of them."""
    if not fields or body is None:
        return body
    try:
        said = json.loads(body)
    except ValueError:
        pairs = body.split(b"&")
        return b"&".join(pair for pair in pairs if pair.partition(b"=")[0].decode("utf-8", "replace") not in fields)
    if not isinstance(said, dict):
        return body
    return json.dumps({name: value for name, value in said.items() if name not in fields}).encode()
