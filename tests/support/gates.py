"""A legal approval in force, and lists of destinations, for tests of the gates."""

from dataclasses import replace
from datetime import UTC, datetime

from rewardrails.engine import addresses, legal
from rewardrails.engine.approve import approve
from rewardrails.engine.legal import NewApproval
from rewardrails.engine.read import read_payout
from rewardrails.providers.capabilities import ProviderType

FOR_EVER = datetime(2099, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def an_approval(**change: object) -> NewApproval:
    plain = NewApproval(
        provider_type=ProviderType.FIAT_PROVIDER,
        adapter="fake",
        assets=frozenset({"EUR"}),
        jurisdictions=frozenset({"DE"}),
        campaigns=frozenset({"season"}),
        valid_from=LONG_AGO,
        valid_until=FOR_EVER,
        document_reference="vault/approval-1.pdf",
        document_sha256=b"d" * 32,
    )
    return replace(plain, **change)


async def in_force(core, **change):
    recorded = await legal.record(core, an_approval(**change), actor="ann")
    return await legal.confirm(core, recorded.id, actor="ben")


async def allow_chains(core):
    """Have every rail over a blockchain allowed, by two people."""
    for name, rail in core.providers.items():
        settings = core.config.providers[name]
        if rail.capabilities.needs_legal_approval:
            anywhere = {"campaigns": frozenset({"*"}), "provider_type": settings.type, "adapter": settings.adapter}
            await in_force(core, **anywhere)


async def say_yes(core, payout_ids, *, actor, **more):
    """Approve payouts as they stand when they are looked at now."""
    seen = {one: (await read_payout(core, one)).approval_digest for one in payout_ids}
    return await approve(core, seen, actor=actor, **more)


async def load(core, *entries, kind):
    new = addresses.NewList(
        name="sdn",
        kind=kind,
        source="https://example.org/sdn",
        dated=datetime.now(UTC),
        sha256=b"s" * 32,
        entries=entries,
    )
    return await addresses.load_list(core, new, actor="ann")
