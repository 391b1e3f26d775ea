"""Notices that must move nothing, each wrong in one way."""

import dataclasses
from base64 import b64encode
from typing import Any

import msgspec

from rewardrails.domain.observation import ObservedStatus
from rewardrails.secrets import Secret
from rewardrails.testing.simulation.post import BAD, Body, Lie, Notice
from rewardrails.testing.simulation.snapshot import AttemptNow, PayoutNow
from rewardrails.testing.simulation.world import World, destination

_STRANGER = Secret("whsec_" + b64encode(b"a stranger's guess of a secret..").decode())
AN_HOUR = 3600.0


def forged(world: World, reward: int, lie: Lie, status: ObservedStatus) -> Notice | None:
    """A notice about the last attempt of a reward; None when this lie cannot be told of it."""
    payout = world.snapshot.payout(reward)
    attempts = world.snapshot.attempts_of(payout.id) if payout else []
    if payout is None or not attempts or (lie is Lie.OTHER_REFERENCE and not attempts[-1].provider_reference):
        return None
    world.told_notices += 1
    rail = world.rails[attempts[-1].provider]
    true = Notice(
        number=world.told_notices,
        rail=rail.name,
        body=_body(world, payout, attempts[-1], status),
        signed_by=rail.secret,
        about=f"{status.value}, reward {reward}",
        lie=lie,
    )
    return _twist(world, true, lie)


def _body(world: World, payout: PayoutNow, attempt: AttemptNow, status: ObservedStatus) -> Body:
    made = world.rails[attempt.provider].journal.of_key(attempt.rail_key)
    where = made.destination if made else destination(payout.reward, 0)
    return Body(
        key=attempt.rail_key,
        reference=attempt.provider_reference or "",
        status=status,
        amount_minor=payout.amount,
        asset="EUR",
        destination=(where.kind, where.value, where.memo),
        fee_minor=0,
        mark=BAD,
    )


def _twist(world: World, true: Notice, lie: Lie) -> Notice:
    other = next(rail for name, rail in world.rails.items() if name != true.rail)
    kind, value, memo = true.body.destination
    changes: dict[Lie, dict[str, Any]] = {
        Lie.OTHER_AMOUNT: {"amount_minor": true.body.amount_minor + 1},
        Lie.OTHER_ASSET: {"asset": "USD"},
        Lie.OTHER_DESTINATION: {"destination": (kind, f"not.{value}", memo)},
        Lie.OTHER_REFERENCE: {"reference": "ref-of-another"},
        Lie.LIVE: {"live": True},
        Lie.NO_SUCH_PAYOUT: {"key": f"{'0' * 32}-1"},
    }
    told = dataclasses.replace(true, body=msgspec.structs.replace(true.body, **changes.get(lie, {})))
    match lie:
        case Lie.BAD_SIGNATURE:
            return dataclasses.replace(told, signed_by=_STRANGER)
        case Lie.OTHER_SECRET:
            return dataclasses.replace(told, signed_by=other.secret)
        case Lie.OTHER_ROUTE:
            return dataclasses.replace(told, signed_by=other.secret, rail=other.name)
        case Lie.FUTURE:
            return dataclasses.replace(told, ahead_seconds=AN_HOUR)
        case _:
            return told
