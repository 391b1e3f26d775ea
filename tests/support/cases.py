"""A payout that every gate lets pass, to be spoilt one fact at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from rewardrails.domain.policy.case import Address, Case, Facts, LegalApproval, Subject
from rewardrails.domain.policy.rules import Rules

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CONTENT = b"c" * 32
SUBJECT = Subject(
    campaign="season",
    player_id="p-1",
    asset="EUR",
    amount_minor=1000,
    jurisdiction="DE",
    pool="season-eur",
    provider="one",
    provider_type="fiat_provider",
    adapter="fake",
    needs_legal_approval=False,
    destination_kind="paypal_email",
    address_digest=b"a" * 32,
    recipient_digest=b"r" * 32,
    content_digest=CONTENT,
    created_by="key:game",
)
FACTS = Facts(now=NOW, address=Address(first_seen_at=NOW, players=1, destinations_of_player=1))
APPROVAL = LegalApproval(
    id=UUID(int=1),
    provider_type="fiat_provider",
    adapter="fake",
    assets=frozenset({"EUR"}),
    jurisdictions=frozenset({"DE"}),
    campaigns=frozenset({"season"}),
    max_total_minor=None,
    max_per_player_minor=None,
    valid_from=NOW - timedelta(days=1),
    valid_until=NOW + timedelta(days=1),
)


def case(*, subject: Subject = SUBJECT, facts: Facts = FACTS, rules: Rules | None = None, **spoilt: object) -> Case:
    """A case; `spoilt` replaces facts."""
    return Case(subject=subject, facts=replace(facts, **spoilt), rules=rules or Rules())
