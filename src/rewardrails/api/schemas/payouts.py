"""Payouts over the wire; a destination goes out masked."""

import dataclasses
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from rewardrails.api.schemas.common import Amount, Cell, Decimal, FreeText, In, Name, Out, Words, amount, decimal
from rewardrails.api.schemas.values import ValueStandingOut
from rewardrails.domain.destination import ERASED
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.core import Core
from rewardrails.engine.explain import MASKED
from rewardrails.engine.read import AttemptView, EventView, ObservationView, PayoutHistory, PayoutView, ResolutionView
from rewardrails.engine.request import RequestVerdict
from rewardrails.engine.resolve import Resolution, Resolved

WORDS = "words"
"""What a person wrote, in an event's data."""


class PayoutIn(In):
    """A reward to pay out. `campaign` and `reward_id` together are paid once, whichever door they come through."""

    campaign: Cell
    reward_id: Cell
    player_id: Cell
    amount: Decimal
    asset: Cell
    jurisdiction: Cell
    destination_kind: Cell
    destination: Cell
    memo: Cell = ""
    quote_id: UUID | None = None


class HoldIn(In):
    """Why a payout is held."""

    cause: Name


class ReleaseIn(In):
    """Why a person ends what holds a payout, and which gates they overrule: all that stop it, by name."""

    reason: Words
    overrules: Annotated[list[Name], Meta(max_length=20)] = msgspec.field(default_factory=list)


class DestinationIn(In):
    """Another destination of the same kind."""

    destination: FreeText
    memo: FreeText = ""


class ResolutionIn(In):
    """How an unknown outcome ended, and what was seen that proves it."""

    outcome: Resolved
    evidence: Words


class PayoutReceipt(Out):
    """What became of a request: a new payout (`accepted`), or the one this reward is already (`replayed`)."""

    id: UUID
    verdict: RequestVerdict
    state: PayoutState
    campaign: str
    reward_id: str
    asset: str
    amount: str | None
    amount_minor: str


class PayoutOut(Out):
    """A payout as it stands. Whoever approves it gives its `approval_digest` back: it is another one after any change."""

    id: UUID
    state: PayoutState
    code: str | None
    hold_cause: str | None
    campaign: str
    reward_id: str
    player_id: str
    asset: str
    amount: str | None
    amount_minor: str
    fee: Amount | None
    fee_ceiling: Amount
    jurisdiction: str
    destination_kind: str
    destination_masked: str
    provider: str | None
    tries: int
    version: int
    batch_id: UUID | None
    approval_digest: str
    created_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, core: Core, view: PayoutView) -> "PayoutOut":
        """A payout as it goes out."""
        return cls(
            id=view.id,
            state=view.state,
            code=view.code,
            hold_cause=view.hold_cause,
            campaign=view.campaign,
            reward_id=view.reward_id,
            player_id=view.player_id,
            asset=view.asset,
            amount=decimal(core, view.amount_minor, view.asset),
            amount_minor=str(view.amount_minor),
            fee=None if view.fee_minor is None else amount(core, view.fee_minor, view.asset),
            fee_ceiling=amount(core, view.fee_ceiling_minor, view.asset),
            jurisdiction=view.jurisdiction,
            destination_kind=view.destination.kind,
            destination_masked=view.destination.masked(),
            provider=view.provider,
            tries=view.tries,
            version=view.version,
            batch_id=view.batch_id,
            approval_digest=view.approval_digest,
            created_by=view.created_by,
            created_at=view.created_at,
            updated_at=view.updated_at,
        )


class AttemptOut(Out):
    """One try over one rail."""

    attempt_no: int
    provider: str
    rail_key: str
    state: str
    sends: int
    provider_reference: str | None
    code: str | None
    created_at: datetime
    updated_at: datetime


class ObservationOut(Out):
    """One thing learnt about an attempt, and what it did; `words` are those of a person who recorded it."""

    id: UUID
    attempt_no: int
    source: str
    status: str
    effect: str
    code: str | None
    provider_code: str | None
    provider_reference: str | None
    words: str | None
    actor: str
    created_at: datetime


class EventOut(Out):
    """One entry of history; `position` is its place in the sealed log, null until it is sealed."""

    position: int | None
    subject_id: UUID
    version: int
    type: str
    data: dict[str, str | int | list[str]]
    actor: str
    created_at: datetime

    @classmethod
    def of(cls, event: EventView, *, whole: bool) -> "EventOut":
        """An event as it goes out; what a person wrote is masked unless `whole`."""
        data = _event_data.decode(event.data)
        if WORDS in data and not whole:
            data[WORDS] = MASKED
        return cls(
            position=event.position,
            subject_id=event.subject_id,
            version=event.version,
            type=event.type,
            data=data,
            actor=event.actor,
            created_at=event.created_at,
        )


class ProposedOut(Out):
    """How somebody says an unknown outcome ended, and on what evidence; another person confirms the open one."""

    id: UUID
    attempt_no: int
    outcome: str
    evidence: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    voided_at: datetime | None


class PayoutDetail(PayoutOut):
    """A payout with everything that happened to it, oldest first."""

    attempts: list[AttemptOut]
    observations: list[ObservationOut]
    resolutions: list[ProposedOut]
    history: list[EventOut]
    value: ValueStandingOut | None

    @classmethod
    def of_history(cls, core: Core, history: PayoutHistory, *, whole: bool) -> "PayoutDetail":
        """A payout's story as it goes out; what people wrote (proofs, reasons, evidence) is masked unless `whole`."""
        return cls(
            **msgspec.structs.asdict(PayoutOut.of(core, history.payout)),
            attempts=[_attempt(attempt) for attempt in history.attempts],
            observations=[_observation(seen, whole=whole) for seen in history.observations],
            resolutions=[_proposed(one, whole=whole) for one in history.resolutions],
            history=[EventOut.of(event, whole=whole) for event in history.events],
            value=None if history.value is None else ValueStandingOut.of(history.value),
        )


class PayoutPage(Out):
    """Payouts, newest first."""

    payouts: list[PayoutOut]
    next_cursor: str | None


class EventPage(Out):
    """Sealed events in order; the cursor after the last one stays good for ever."""

    events: list[EventOut]
    next_cursor: str


class ResolutionOut(Out):
    """A proposed or confirmed resolution; it waits for a second person while `confirmed_by` is null."""

    id: UUID
    payout_id: UUID
    outcome: Resolved
    proposed_by: str
    confirmed_by: str | None
    state: PayoutState

    @classmethod
    def of(cls, resolution: Resolution) -> "ResolutionOut":
        """A resolution as it goes out."""
        return msgspec.convert(resolution, cls, from_attributes=True)


_event_data = msgspec.json.Decoder(dict[str, Any])  # whatever an event says, it can be read


def _attempt(view: AttemptView) -> AttemptOut:
    return msgspec.convert(view, AttemptOut, from_attributes=True)


def _observation(view: ObservationView, *, whole: bool) -> ObservationOut:
    shown = dataclasses.replace(view, words=_masked(view.words, whole=whole))
    return msgspec.convert(shown, ObservationOut, from_attributes=True)


def _proposed(view: ResolutionView, *, whole: bool) -> ProposedOut:
    return ProposedOut(**dataclasses.asdict(view) | {"evidence": _masked(view.evidence, whole=whole) or ""})


def _masked(words: str | None, *, whole: bool) -> str | None:
    return words if whole or words in {None, ERASED} else MASKED
