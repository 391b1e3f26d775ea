"""Reading what the gates go by, in one round trip for a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from rewardrails.domain.policy.case import (
    Address,
    Facts,
    LegalApproval,
    ListStanding,
    PlayerCheck,
    Rate,
    Risk,
    ScreeningResult,
    SignOff,
    Subject,
)
from rewardrails.engine.core import Core
from rewardrails.engine.gates import wire
from rewardrails.security.persons import roots_of
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A payout to be judged; `payout_id` also of one that is not stored yet. `counted` says which limits' counters know it and
    since when (None before it was ever let through), `legal_approval_id` under which approval.
    """

    payout_id: UUID
    subject: Subject
    counted: Mapping[str, datetime] | None = None
    legal_approval_id: UUID | None = None


async def read_facts(core: Core, connection: Connection, candidates: Sequence[Candidate]) -> list[Facts]:
    """Facts of each candidate, in order; counters are read apart, under their locks."""
    subjects = [candidate.subject for candidate in candidates]
    rows = await connection.fetch(
        sql("gate_facts"),
        [candidate.payout_id for candidate in candidates],
        [subject.player_id for subject in subjects],
        [subject.address_digest for subject in subjects],
        [subject.recipient_digest for subject in subjects],
        [subject.content_digest for subject in subjects],
        [subject.batch_id for subject in subjects],
        [subject.asset for subject in subjects],
    )
    told = {row["n"]: row["facts"] for row in rows}
    shared = wire.read_shared(told[0])
    approvals = tuple(_approval(fact) for fact in shared.approvals or ())
    rates = {fact.asset: rate for fact in shared.rates or () if (rate := _rate(core, fact))}
    own = [wire.read_own(told[n]) for n in range(1, len(candidates) + 1)]
    authors = await _authors(core, connection, candidates)
    return [
        _facts(shared, mine, candidate, approvals=approvals, rates=rates, authors=wrote)
        for mine, candidate, wrote in zip(own, candidates, authors, strict=True)
    ]


async def _authors(core: Core, connection: Connection, candidates: Sequence[Candidate]) -> list[frozenset[str]]:
    """Who had a hand in each, and the people behind their keys; looked up only where a rule is about somebody."""
    if not any(rule.creators for rule in core.config.rules.approvals):
        return [frozenset()] * len(candidates)
    rows = await connection.fetch(
        sql("hands_in"),
        [candidate.payout_id for candidate in candidates],
        [candidate.subject.batch_id for candidate in candidates],
    )
    named = [{one.subject.created_by, *row["hands"]} for one, row in zip(candidates, rows, strict=True)]
    roots = await roots_of(connection, set().union(*named))
    return [frozenset(each | {roots[hand] for hand in each}) for each in named]


def _facts(
    shared: wire.SharedFacts,
    own: wire.OwnFacts,
    candidate: Candidate,
    *,
    approvals: tuple[LegalApproval, ...],
    rates: dict[str, Rate],
    authors: frozenset[str],
) -> Facts:
    listed = frozenset(own.listed or ())
    return Facts(
        now=shared.now,
        address=Address(
            first_seen_at=own.address.first_seen_at if own.address else shared.now,
            proved_at=own.address.proved_at if own.address else None,
            players=own.players,
            destinations_of_player=own.destinations,
        ),
        approvals=approvals,
        checks={
            kind: PlayerCheck(result=fact.result, expires_at=fact.expires_at, age=fact.age)
            for kind, fact in (own.checks or {}).items()
        },
        risk=Risk(score=own.risk.score, expires_at=own.risk.expires_at) if own.risk else None,
        lists=tuple(
            ListStanding(name=fact.name, kind=fact.kind, dated=fact.dated, listed=fact.id in listed)
            for fact in shared.lists or ()
        ),
        screenings={
            name: ScreeningResult(screening=fact.screening, expires_at=fact.expires_at, reason=fact.reason or "")
            for name, fact in (own.screenings or {}).items()
        },
        rates=rates,
        sign_offs=tuple(
            SignOff(approver=approver, content_digest=candidate.subject.content_digest)
            for approver in own.sign_offs or ()
        ),
        batch_total_minor=int(own.batch_total) if own.batch_total else None,
        counted=candidate.counted or {},
        legal_approval_id=candidate.legal_approval_id,
        held_by=own.held_by or frozenset(),
        lifted=own.lifted or {},
        authors=authors,
    )


def _approval(fact: wire.ApprovalFact) -> LegalApproval:
    return LegalApproval(
        id=fact.id,
        provider_type=fact.provider_type,
        adapter=fact.adapter,
        assets=fact.assets,
        jurisdictions=fact.jurisdictions,
        campaigns=fact.campaigns,
        max_total_minor=int(fact.max_total) if fact.max_total else None,
        max_per_player_minor=int(fact.max_per_player) if fact.max_per_player else None,
        valid_from=fact.valid_from,
        valid_until=fact.valid_until,
    )


def _rate(core: Core, fact: wire.RateFact) -> Rate | None:
    asset = core.config.assets.get(fact.asset)
    if asset is None:
        return None
    worth = Fraction(fact.value) * Fraction(10) ** (core.config.rules.reference_exponent - asset.exponent)
    return Rate(numerator=worth.numerator, denominator=worth.denominator, dated=fact.dated)
