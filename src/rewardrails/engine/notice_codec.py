"""What a notice said, as it is kept in the inbox until it is applied."""

from collections.abc import Sequence

import msgspec

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.errors import ErrorCode


class _Stored(msgspec.Struct, omit_defaults=True):
    """An observation as kept in the inbox (sealed: a destination is personal)."""

    status: ObservedStatus
    rail_key: str = ""
    provider_reference: str = ""
    amount: tuple[str, str] | None = None
    fee: tuple[str, str] | None = None
    destination: tuple[str, str, str] | None = None
    code: ErrorCode | None = None
    retryable: bool = False
    live: bool | None = None
    provider_status: str = ""
    provider_code: str = ""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[_Stored])


def encode(observations: Sequence[Observation]) -> bytes:
    """Everything but the raw words; raises `ValueError` for text that is not UTF-8 and for numbers beyond all bounds."""
    return _ENCODER.encode([_pack(item) for item in observations])


def decode(stored: bytes, event_key: str) -> list[Observation]:
    """What `encode` was given; raises `ValueError` for anything else."""
    return [_unpack(item, event_key) for item in _DECODER.decode(stored)]


def _pack(item: Observation) -> _Stored:
    return _Stored(
        status=item.status,
        rail_key=item.rail_key,
        provider_reference=item.provider_reference,
        amount=(str(item.amount.amount_minor), item.amount.asset) if item.amount else None,
        fee=(str(item.fee.amount_minor), item.fee.asset) if item.fee else None,
        destination=(item.destination.kind, item.destination.value, item.destination.memo)
        if item.destination
        else None,
        code=item.code,
        retryable=item.retryable,
        live=item.live,
        provider_status=item.evidence.provider_status,
        provider_code=item.evidence.provider_code,
    )


def _unpack(item: _Stored, event_key: str) -> Observation:
    return Observation(
        status=item.status,
        rail_key=item.rail_key,
        provider_reference=item.provider_reference,
        amount=_money(item.amount),
        fee=_money(item.fee),
        destination=Destination(kind=item.destination[0], value=item.destination[1], memo=item.destination[2])
        if item.destination
        else None,
        code=item.code,
        retryable=item.retryable,
        live=item.live,
        event_key=event_key,
        evidence=Evidence(provider_status=item.provider_status, provider_code=item.provider_code),
    )


def _money(packed: tuple[str, str] | None) -> Money | None:
    return Money(amount_minor=int(packed[0]), asset=packed[1]) if packed else None
