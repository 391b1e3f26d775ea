"""Taking on single payouts: whatever arrived together is one transaction, idempotency keys included."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import asyncpg

from rewardrails.engine.core import Core
from rewardrails.engine.idempotent import IdempotentCall, StoredResponse, key_reused
from rewardrails.engine.request import PayoutRequest, RequestResult, RequestVerdict, request_within
from rewardrails.errors import ErrorCode, QuoteExpired, RewardRailsError, StateConflict
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

_QUOTE_USED_ONCE = "payout_quote_used_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """One call to create a payout.

    `request` may be a refusal that was found beforehand: it is raised only when the key turns out to be new, so that a
    repeat is answered as the first call was. `render` makes the answer that is stored: HTTP status and body.
    """

    call: IdempotentCall
    request: PayoutRequest | RewardRailsError
    render: Callable[[RequestResult], tuple[int, bytes]] = field(repr=False)


Answer = StoredResponse | RewardRailsError


async def accept(core: Core, items: Sequence[Acceptance]) -> list[Answer]:
    """Take on payouts, one transaction per caller; answers one result per item, in order.

    A key that came before answers what it answered then, or `idempotency_key_reused` for another request. A refused item
    leaves no trace. When an unexpected error is raised, nothing of that caller was done; a repeat is safe.
    """
    answers: dict[int, Answer] = {}
    parts: dict[tuple[str, str], list[int]] = {}
    for index, item in enumerate(items):
        parts.setdefault((item.call.client, item.call.operation), []).append(index)
    for indexes in parts.values():
        part = [items[index] for index in indexes]
        answers |= dict(zip(indexes, await _accept_part(core, part), strict=True))
    return [answers[index] for index in range(len(items))]


async def _accept_part(core: Core, items: Sequence[Acceptance]) -> list[Answer]:
    try:
        return await core.database.run(partial(_accept_within, core, items=items))
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _QUOTE_USED_ONCE or len(items) > 1:
            raise  # the group halves the batch until the item at fault stands alone
        return [QuoteExpired("the quote has been used for another payout: ask for another", field="quote_id")]


async def _accept_within(core: Core, tx: Connection, items: Sequence[Acceptance]) -> list[Answer]:
    client, operation = items[0].call.client, items[0].call.operation
    first: dict[str, Acceptance] = {}
    for item in items:
        first.setdefault(item.call.key, item)
    keys = list(first)
    rows = await tx.fetch(
        sql("claim_idempotency_keys"), client, operation, keys, [item.call.digest for item in first.values()]
    )
    claimed = {row["key"] for row in rows}
    met = await _earlier(tx, client, operation, [key for key in keys if key not in claimed])
    fresh = await _answer_new(core, tx, [item for key, item in first.items() if key in claimed])
    return [_answer(item, first[item.call.key], fresh, met) for item in items]


async def _earlier(
    tx: Connection, client: str, operation: str, keys: Sequence[str]
) -> dict[str, tuple[bytes, StoredResponse]]:
    if not keys:
        return {}
    rows = await tx.fetch(sql("read_idempotency_keys"), client, operation, keys)
    return {
        row["key"]: (
            row["request_digest"],
            StoredResponse(status=row["status"], body=row["response"], replayed=True),
        )
        for row in rows
    }


async def _answer_new(core: Core, tx: Connection, items: Sequence[Acceptance]) -> dict[str, Answer]:
    """Do what is asked under new keys, store the answers, and give back the keys of what was refused."""
    if not items:
        return {}
    answers: dict[str, Answer] = {}
    asked = []
    for item in items:
        if isinstance(item.request, RewardRailsError):
            answers[item.call.key] = item.request
        else:
            asked.append((item, item.request))
    client, operation = items[0].call.client, items[0].call.operation
    results = await request_within(core, tx, [request for _, request in asked], client) if asked else []
    for (item, _), result in zip(asked, results, strict=True):
        answers[item.call.key] = _respond(item, result)
    done = {key: answer for key, answer in answers.items() if isinstance(answer, StoredResponse)}
    if done:
        columns = ([answer.status for answer in done.values()], [answer.body for answer in done.values()])
        await tx.execute(sql("store_responses"), client, operation, list(done), *columns)
    if len(done) < len(answers):
        await tx.execute(sql("forget_idempotency_keys"), client, operation, [key for key in answers if key not in done])
    return answers


def _respond(item: Acceptance, result: RequestResult) -> Answer:
    if result.verdict is RequestVerdict.REFUSED:
        return RewardRailsError(result.message, code=result.code or ErrorCode.STATE_CONFLICT)
    status, body = item.render(result)
    return StoredResponse(status=status, body=body, replayed=False)


def _answer(
    item: Acceptance,
    first: Acceptance,
    fresh: Mapping[str, Answer],
    met: Mapping[str, tuple[bytes, StoredResponse]],
) -> Answer:
    key = item.call.key
    if key in met:
        digest, stored = met[key]
        return stored if digest == item.call.digest else key_reused(key)
    answer = fresh.get(key)
    if answer is None:
        return StateConflict("the earlier call with this Idempotency-Key was forgotten just now: send it again")
    if item is first or isinstance(answer, RewardRailsError):
        return answer if item.call.digest == first.call.digest else key_reused(key)
    if item.call.digest != first.call.digest:
        return key_reused(key)
    return StoredResponse(status=answer.status, body=answer.body, replayed=True)
