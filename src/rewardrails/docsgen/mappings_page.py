"""The page of vendors' words: what each status and refusal of a provider is to us, from the adapters' own tables."""

from collections.abc import Iterable, Mapping, Sequence

from rewardrails.docsgen.markdown import code, table
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import ErrorCode
from rewardrails.providers.exchange.figures import EXCHANGES
from rewardrails.providers.fake import mapping as fake
from rewardrails.providers.paypal import words as paypal
from rewardrails.providers.reloadly import mapping as reloadly
from rewardrails.providers.stripe import mapping as stripe
from rewardrails.providers.tremendous import mapping as tremendous
from rewardrails.providers.wise import mapping as wise

_INTRO = """# What providers say

Each adapter translates its provider's words by one table. What is not in it is *unknown*: never paid and never failed, but
asked about, and in the end shown to people. *Again by itself* means that a later attempt may succeed without anybody
changing the payout. A refusal of scope *provider* speaks of the whole provider and spends none of the payout's tries.
"""
_ANYTHING_ELSE = ("anything else", code(ObservedStatus.UNKNOWN.value))
_REFUSALS = ("their code", "our code", "scope", "again by itself")


def render() -> str:
    """The whole page."""
    return "\n".join((_INTRO, *_exchanges(), *_fake(), *_paypal(), *_reloadly(), *_stripe(), *_tremendous(), *_wise()))


def _exchanges() -> Iterable[str]:
    yield "## Exchanges\n"
    for name, row in EXCHANGES.items():
        yield f"### {row.title} ({code(name)})\n"
        yield _statuses("status of a withdrawal", row.statuses)
        refused = (
            _refusal(code(theirs), ours.code, ours.scope, is_retryable=ours.retryable)
            for theirs, ours in row.refusals.items()
        )
        other = ("anything else", f"outcome unknown, {code(ErrorCode.OUTCOME_UNKNOWN.value)}", "", "")
        yield table(_REFUSALS, [*refused, other])


def _fake() -> Iterable[str]:
    yield "## The fake provider\n"
    yield _statuses("status of a payout", fake.STATUSES)
    yield table(
        _REFUSALS,
        [
            *(
                _refusal(code(theirs), ours.code, ours.scope, is_retryable=ours.retryable)
                for theirs, ours in fake.REFUSALS.items()
            ),
            *(
                (code(theirs), f"outcome unknown, {code(ours.value)}", "", "")
                for theirs, ours in fake.NOT_REFUSALS.items()
            ),
        ],
    )


def _paypal() -> Iterable[str]:
    yield "## PayPal\n"
    yield _statuses("status of a batch", paypal.BATCH_STATUSES, {paypal.PROCESSED: "as its item stands"})
    yield _statuses("status of its item", paypal.ITEM_STATUSES)
    refused = (
        _refusal(code(theirs), ours.code, ours.scope, is_retryable=ours.retryable)
        for theirs, ours in paypal.REFUSALS.items()
    )
    at_fault = (
        _refusal(f"{code('VALIDATION_ERROR')} for {code(path)} alone", ours, RejectionScope.PAYOUT, is_retryable=False)
        for path, ours in paypal.FAULTS.items()
    )
    doubtful = (
        (code(theirs), f"outcome unknown, {code(ours.value)}", "", "") for theirs, ours in paypal.NOT_REFUSALS.items()
    )
    yield table(_REFUSALS, [*refused, *at_fault, *doubtful])
    rows = [(code(theirs), code(ours.value)) for theirs, ours in paypal.ITEM_ERRORS.items()]
    other = ("anything else", code(ErrorCode.PROVIDER_REJECTED.value))
    yield table(("why an item failed", "our code"), [*rows, other])


def _reloadly() -> Iterable[str]:
    yield "## Reloadly\n"
    yield _statuses("status of a transaction", reloadly.STATUSES)
    refused = (
        _refusal(code(theirs), ours.code, ours.scope, is_retryable=ours.retryable)
        for theirs, ours in reloadly.REFUSALS.items()
    )
    used = (code(reloadly.ALREADY_USED), "no refusal: the order under this key is looked up", "", "")
    other = ("anything else", f"outcome unknown, {code(ErrorCode.OUTCOME_UNKNOWN.value)}", "", "")
    yield table(_REFUSALS, [*refused, used, other])


def _stripe() -> Iterable[str]:
    yield "## Stripe\n"
    waits = {stripe.REQUIRES_ACTION: "not there yet, or failed: its next action says which"}
    yield _statuses("status of an intent without a payment", stripe.INTENT_STATUSES, waits)
    yield _statuses("status of its payment", stripe.PAYMENT_STATUSES)
    refused = (
        _refusal(code(theirs), ours.code, ours.scope, is_retryable=ours.retryable)
        for theirs, ours in stripe.REFUSALS.items()
    )
    conflict = (code(stripe.KEY_CONFLICT), f"outcome unknown, {code(ErrorCode.DUPLICATE_CONFLICT.value)}", "", "")
    yield table(_REFUSALS, [*refused, conflict])
    rows = [(code(theirs), code(ours.value)) for theirs, ours in stripe.REASONS.items()]
    other = ("anything else", code(ErrorCode.PROVIDER_REJECTED.value))
    yield table(("why it failed or came back", "our code"), [*rows, other])


def _tremendous() -> Iterable[str]:
    yield "## Tremendous\n"
    executed = {tremendous.EXECUTED: "as its delivery stands"}
    yield _statuses("status of an order", tremendous.ORDER_STATUSES, executed)
    yield _statuses("status of its delivery", tremendous.DELIVERY_STATUSES)
    named = ((f"HTTP {status}", ours.code, ours.scope, ours.retryable) for status, ours in tremendous.REFUSALS.items())
    at_fault = (
        (f"HTTP 400, 422 for {code(path)} alone", ours, RejectionScope.PAYOUT, False)
        for path, ours in tremendous.FAULTS.items()
    )
    yield table(
        _REFUSALS,
        [
            _refusal(theirs, ours, scope, is_retryable=is_retryable)
            for theirs, ours, scope, is_retryable in (*named, *at_fault)
        ],
    )


def _wise() -> Iterable[str]:
    yield "## Wise\n"
    unfunded = {wise.UNFUNDED: "not there yet: nobody has paid for it"}
    to_people = dict.fromkeys(sorted(wise.LEFT_TO_PEOPLE), code(ObservedStatus.UNKNOWN.value))
    yield _statuses("status of a transfer", wise.STATUSES, unfunded | to_people)
    paying = ((code(theirs), ours) for theirs, ours in wise.FUNDING_REFUSALS.items())
    at_fault = ((f"HTTP 400, 422 for {code(path)} alone", ours) for path, ours in wise.FAULTS.items())
    fields = (
        (f"HTTP 400, 422 for fields under {code('details')} alone", wise.BAD_DESTINATION),
        ("HTTP 400, 422 for another field, or several", wise.OTHERWISE_REFUSED),
    )
    yield table(
        _REFUSALS,
        [
            *(
                _refusal(theirs, ours.code, ours.scope, is_retryable=ours.retryable)
                for theirs, ours in (*paying, *at_fault, *fields)
            ),
            *(
                (code(theirs), "no refusal: the transfer is read again", "", "")
                for theirs in sorted(wise.ALREADY_FUNDED)
            ),
        ],
    )


def _statuses(heading: str, statuses: Mapping[str, ObservedStatus], in_words: Mapping[str, str] | None = None) -> str:
    rows: list[Sequence[str]] = [(code(theirs), code(ours.value)) for theirs, ours in statuses.items()]
    rows += [(code(theirs), words) for theirs, words in (in_words or {}).items()]
    return table((heading, "to us"), [*rows, _ANYTHING_ELSE])


def _refusal(theirs: str, ours: ErrorCode, scope: RejectionScope, *, is_retryable: bool) -> Sequence[str]:
    return (theirs, code(ours.value), scope.value, "yes" if is_retryable else "no")
