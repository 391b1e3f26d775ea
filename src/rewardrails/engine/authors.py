"""Nobody's word counts for what they had a hand in themselves, be it by a key of theirs."""

from collections.abc import Sequence
from uuid import UUID

from rewardrails.errors import Forbidden
from rewardrails.security.persons import roots_of
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


async def require_no_author(tx: Connection, payout_ids: Sequence[UUID], actor: str, *, then: str) -> str:
    """Who stands behind the actor. Raises `Forbidden` if they had a hand in any of the payouts; `then` says who may."""
    written = {row["id"]: row["authors"] for row in await tx.fetch(sql("payout_authors"), payout_ids)}
    roots = await roots_of(tx, {actor, *(author for authors in written.values() for author in authors)})
    for payout_id, authors in written.items():
        if roots[actor] in {roots[author] for author in authors}:
            raise Forbidden(f"payout {payout_id} says what you had a hand in: {then}")
    return roots[actor]
