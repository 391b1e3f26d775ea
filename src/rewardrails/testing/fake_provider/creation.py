"""One POST /v1/payouts from the door to the last byte of its answer."""

import asyncio
from typing import assert_never

from rewardrails.testing.fake_provider.answers import deny
from rewardrails.testing.fake_provider.behaviour import PLANS, Choice, Door, Reply
from rewardrails.testing.fake_provider.service import Denied, Service, Taken
from rewardrails.testing.fake_provider.transport import Exchange
from rewardrails.testing.fake_provider.wire import ENCODER, CreatePayout

GARBAGE = b"<html><body>Everything is fine.</body></html>"


async def create(service: Service, exchange: Exchange, request: CreatePayout, key: str) -> None:
    """Answer from memory what was seen; choose, accept and answer what is new."""
    outcome = service.seen(request, key)
    reply = Reply.PLAIN
    if outcome is None:
        choice = service.chooser.choose(request.reference, request.destination.value)
        plan = PLANS[choice.behaviour]
        if not await _pass_door(service, exchange, request, key, choice):
            return
        outcome = service.seen(request, key) or service.accept(request, key, choice)
        reply = plan.reply
    await service.journal.flushed()
    if isinstance(outcome, Denied):
        await deny(exchange, outcome.code)
    else:
        await _reply(service, exchange, outcome, reply)


async def _pass_door(service: Service, exchange: Exchange, request: CreatePayout, key: str, choice: Choice) -> bool:
    """Whether the creation gets in; otherwise it has been answered, or has been left to hang."""
    door = PLANS[choice.behaviour].door
    match door:
        case Door.OPEN:
            return True
        case Door.LATE:
            await asyncio.sleep(service.options.late_seconds)
            return True
        case Door.REFUSE:
            denied = service.refuse(request, key, choice.code)
            await service.journal.flushed()
            await deny(exchange, denied.code)
        case Door.RATE_LIMIT:
            await deny(exchange, "rate_limited", retry_after_seconds=service.options.retry_after_seconds)
        case Door.UNAVAILABLE:
            await deny(exchange, "unavailable")
        case Door.REDIRECT:
            await exchange.answer(307, b"", ((b"location", b"/v1/elsewhere"),))
        case Door.HANG:
            await exchange.gone()
        case _:
            assert_never(door)
    return False


async def _reply(service: Service, exchange: Exchange, taken: Taken, reply: Reply) -> None:
    """Send the answer to an accepted creation, well or badly."""
    body = ENCODER.encode(service.views.payout(taken.entry))
    status = 200 if taken.replayed else 201
    match reply:
        case Reply.PLAIN:
            await exchange.answer(status, body)
        case Reply.CUT:
            await exchange.cut()
        case Reply.SERVER_ERROR:
            await deny(exchange, "internal")
        case Reply.GARBAGE:
            await exchange.answer(200, GARBAGE)
        case Reply.DRIP:
            await exchange.drip(status, body)
        case Reply.OVERSIZED:
            await exchange.bloat(status, body)
        case Reply.TRUNCATED:
            await exchange.truncate(status, body)
        case _:
            assert_never(reply)
