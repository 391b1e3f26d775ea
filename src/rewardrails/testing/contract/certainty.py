"""P-21 to P-32: what is certain, and what only looks so."""

from rewardrails.domain.observation import Found, ObservedStatus
from rewardrails.domain.outcome import Accepted, OutcomeUnknown, Rejected, RejectionScope, Settled
from rewardrails.errors import ErrorCode
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case, assert_unknown
from rewardrails.testing.contract.conditions import DEDUPLICATES, FOUND_BY_OUR_REFERENCE, OVER_A_WIRE
from rewardrails.testing.contract.double import Conduct

RETRY_AFTER_SECONDS = 7
ALIVE = frozenset({ObservedStatus.PENDING, ObservedStatus.PAID})


class Certainty(ContractFixtures):
    """The certainty line."""

    @behaviour(21, "A documented refusal is certain", applies=OVER_A_WIRE)
    async def test_refusal_is_certain(self, case: Case) -> None:
        """What the vendor documents as refused is `Rejected` with a stable code that says why; nothing is in its journal."""
        order = case.order()
        await case.vendor.behave(Conduct.REFUSE)
        outcome = await case.send(order)
        assert isinstance(outcome, Rejected), f"refused, answered {outcome!r}"
        assert isinstance(outcome.code, ErrorCode)
        assert outcome.code is not ErrorCode.OUTCOME_UNKNOWN
        assert await case.journal(order) == []

    @behaviour(22, "An undocumented refusal is unknown", applies=OVER_A_WIRE)
    async def test_unlisted_code_is_unknown(self, case: Case) -> None:
        """A code that is in no table is unknown, even with the status of a refusal."""
        await case.vendor.behave(Conduct.REFUSE_STRANGELY)
        assert_unknown(await case.send(case.order()), "a refusal with a code that nobody documents")

    @behaviour(23, "What never left is certain", applies=OVER_A_WIRE)
    async def test_never_sent_is_certain(self, case: Case) -> None:
        """No address, no connection, no handshake: `Rejected`, retryable, and of provider scope, so that an outage costs a
        payout none of its tries.
        """
        for fault in wire.NEVER_SENT:
            order = case.order()
            with case.wire.everything_meets(fault):
                outcome = await case.send(order)
            assert isinstance(outcome, Rejected), f"{fault.name}: never left, answered {outcome!r}"
            assert outcome.retryable, f"{fault.name}: not retryable"
            assert outcome.scope is RejectionScope.PROVIDER, f"{fault.name}: charged to the payout"
            assert await case.journal(order) == []

    @behaviour(24, "Silence is unknown", applies=OVER_A_WIRE)
    async def test_silence_is_unknown(self, case: Case) -> None:
        """Time out, reset, a cut or an endless answer: unknown, whether or not the provider acted, for nobody can tell."""
        for fault in wire.SILENCE:
            with case.wire.creations_meet(fault):
                assert_unknown(await case.send(case.order()), fault.name)

    @behaviour(25, "A server's error is unknown", applies=OVER_A_WIRE)
    async def test_server_errors_are_unknown(self, case: Case) -> None:
        """5xx, 408, 409, 421 and 425 are unknown, whether or not the provider acted."""
        for fault in wire.DOUBTFUL_STATUSES:
            with case.wire.creations_meet(fault):
                assert_unknown(await case.send(case.order()), fault.name)

    @behaviour(26, "An answer that cannot be used is unknown", applies=OVER_A_WIRE)
    async def test_unusable_answers_are_unknown(self, case: Case) -> None:
        """A success without a readable payout in it, and a redirect, are unknown. No answer makes the adapter raise."""
        for fault in wire.UNUSABLE:
            with case.wire.creations_meet(fault):
                assert_unknown(await case.send(case.order()), fault.name)

    @behaviour(27, "An answer about another order is unknown", applies=OVER_A_WIRE)
    async def test_foreign_answer_is_unknown(self, case: Case) -> None:
        """When the answer names another payout than the one that was sent, the outcome is unknown. (Where the vendor's
        answers do not repeat our reference there is nothing to compare.)
        """
        other = case.order()
        await case.accepted(other)
        (foreign,) = case.wire.creation_replies
        if other.rail_key.encode() not in foreign.body:
            return
        with case.wire.creations_meet(wire.answered(foreign.status, foreign.body, reaches_vendor=True)):
            assert_unknown(await case.send(case.order()), "the answer to another order")

    @behaviour(28, "Too many requests is certain, and says until when", applies=OVER_A_WIRE)
    async def test_retry_after_is_carried(self, case: Case) -> None:
        """429 is `Rejected` of provider scope with the code `provider_rate_limited`, and carries the seconds of
        `Retry-After`.
        """
        with case.wire.creations_meet(wire.answered(429, retry_after=str(RETRY_AFTER_SECONDS))):
            outcome = await case.send(case.order())
        assert isinstance(outcome, Rejected), f"429, answered {outcome!r}"
        assert (outcome.code, outcome.scope) == (ErrorCode.PROVIDER_RATE_LIMITED, RejectionScope.PROVIDER)
        assert outcome.retryable
        assert outcome.retry_after_seconds == RETRY_AFTER_SECONDS

    @behaviour(29, "A lost reply is unknown", applies=OVER_A_WIRE)
    async def test_lost_reply(self, case: Case) -> None:
        """The provider takes the order and the connection breaks, on a real socket: unknown, and one creation."""
        order = case.order()
        await case.vendor.behave(Conduct.LOSE_REPLY)
        assert_unknown(await case.send(order), "a lost reply")
        assert len(await case.journal(order)) == 1

    @behaviour(30, "After a lost reply the same key finds the same payout", applies=OVER_A_WIRE & DEDUPLICATES)
    async def test_lost_reply_then_again(self, case: Case) -> None:
        """Sent again after a lost reply, an order is still one creation and not called refused."""
        order = case.order()
        await case.vendor.behave(Conduct.LOSE_REPLY)
        await case.send(order)
        await case.vendor.behave(Conduct.ACCEPT)
        again = await case.send(order)
        assert len(await case.journal(order)) == 1
        assert isinstance(again, Accepted | Settled | OutcomeUnknown), f"it was taken, and answered {again!r}"

    @behaviour(31, "After a lost reply a look-up finds the payout", applies=OVER_A_WIRE & FOUND_BY_OUR_REFERENCE)
    async def test_lost_reply_then_lookup(self, case: Case) -> None:
        """Asked by our reference alone, after the declared `lookup_lag`, the rail knows the payout as pending or paid."""
        order = case.order()
        await case.vendor.behave(Conduct.LOSE_REPLY)
        await case.send(order)
        await case.settle_lookup()
        seen = await case.sync(order)
        assert isinstance(seen, Found), f"{case.provider.capabilities.lookup_lag} after its creation: {seen!r}"
        assert seen.observation.status in ALIVE, f"a payout on its way is called {seen.observation.status}"

    @behaviour(32, "The provider's own words are kept", applies=OVER_A_WIRE)
    async def test_evidence_is_kept(self, case: Case) -> None:
        """Refused or unknown, the outcome's evidence holds the status and the body as they came."""
        await case.vendor.behave(Conduct.REFUSE)
        refused = await case.send(case.order())
        assert refused.evidence.http_status, "the status of a refusal is lost"
        assert refused.evidence.body, "the words of a refusal are lost"
        with case.wire.creations_meet(wire.answered(503, b"closed for lunch")):
            unknown = await case.send(case.order())
        assert (unknown.evidence.http_status, unknown.evidence.body) == (503, b"closed for lunch")
