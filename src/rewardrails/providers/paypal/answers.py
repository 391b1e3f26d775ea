"""PayPal's answers, read: a batch, a problem, and what both prove."""

from dataclasses import replace

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.outcome import Canceled, CancelOutcome, CreateOutcome, NotCancelable, OutcomeUnknown, Rejected
from rewardrails.errors import ErrorCode
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.paypal import wire
from rewardrails.providers.paypal.mapping import refusal_of
from rewardrails.providers.paypal.words import NOT_REFUSALS, RETURNED

# A token that PayPal does not know pays nothing.
AUTH_REFUSALS = frozenset({401})
NOT_CANCELABLE = frozenset({"BATCH_NOT_COMPLETED", "ITEM_INCORRECT_STATUS"})


def refused(reply: HttpReply, problem: wire.Problem | None) -> CreateOutcome:
    """An error: certain where PayPal documents it as a refusal, unknown everywhere else."""
    evidence = evidence_of(reply, problem)
    refusal = refusal_of(reply.status, problem)
    if refusal is not None:
        return Rejected(code=refusal.code, retryable=refusal.retryable, scope=refusal.scope, evidence=evidence)
    code = NOT_REFUSALS.get(problem.name, ErrorCode.OUTCOME_UNKNOWN) if problem is not None else None
    line = certainty.of_status(reply, evidence, documented_auth_refusals=AUTH_REFUSALS)
    if isinstance(line, Rejected):
        return line
    return OutcomeUnknown(code=code or ErrorCode.OUTCOME_UNKNOWN, evidence=evidence)


def canceled(item_id: str, reply: HttpReply) -> CancelOutcome:
    """The answer to a cancel: certain with PayPal's word for this very item, or with its word that it cannot be."""
    item = strict_json.try_decode(wire.ITEM, reply.body) if reply.status == 200 else None
    if item is not None and (item.payout_item_id, item.transaction_status) == (item_id, RETURNED):
        return Canceled(evidence=replace(evidence_of(reply, None), provider_status=item.transaction_status))
    problem = problem_in(reply)
    evidence = evidence_of(reply, problem)
    if problem is not None and reply.status == 400 and problem.name in NOT_CANCELABLE:
        return NotCancelable(evidence=evidence)
    return OutcomeUnknown(evidence=evidence)


def batch_in(reply: HttpReply) -> wire.BatchReply | None:
    """The batch of an answer that has one."""
    return strict_json.try_decode(wire.BATCH, reply.body) if reply.status in {200, 201} else None


def problem_in(reply: HttpReply) -> wire.Problem | None:
    """The problem of an answer that has one."""
    if reply.status < certainty.FIRST_REFUSAL:
        return None
    return strict_json.try_decode(wire.PROBLEM, reply.body)


def evidence_of(reply: HttpReply, problem: wire.Problem | None) -> Evidence:
    """An answer kept as evidence, under PayPal's own number for it."""
    told = certainty.evidence_of(
        reply,
        provider_code=problem.name if problem is not None else "",
        message=problem.message if problem is not None else "",
    )
    return replace(told, trace_id=reply.headers.get("paypal-debug-id", "") or (problem.debug_id if problem else ""))
