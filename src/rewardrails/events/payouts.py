"""Are the payouts what the log says they became? Digests are computed here: the database's own function is not believed."""

from rewardrails.events.walk import Fault, Row, Tampering
from rewardrails.store.database import Connection
from rewardrails.store.facts import payout_digest
from rewardrails.store.sql import sql


async def compare_payouts(connection: Connection, batch: int) -> tuple[int, Fault | None]:
    """Hold every payout against its last digest, `batch` rows at a time; answers how many were, and the first that is unlike."""
    seen, after = 0, None
    while rows := await connection.fetch(sql("payouts_and_their_last_digests"), after, batch):
        for row in rows:
            if (words := _unlike(row)) is not None:
                return seen, _fault(f"payout {row['id']} {words}")
            seen += 1
        after = rows[-1]["id"]
    removed = await connection.fetchval(sql("payout_removed"))
    return seen, None if removed is None else _fault(
        f"payout {removed} is gone: its row was removed outside RewardRails"
    )


def _unlike(row: Row) -> str | None:
    if not row["is_told"]:
        return "has no events: its row was made outside RewardRails"
    if row["after_digest"] is None:  # its last change is older than digests
        return None
    found = payout_digest(
        state=row["state"],
        amount_minor=row["amount"],
        destination_digest=row["destination_digest"],
        content_digest=row["content_digest"],
    )
    if found == row["after_digest"]:
        return None
    return "is not what its last event says it became: its row was changed outside RewardRails"


def _fault(words: str) -> Fault:
    return Fault(kind=Tampering.PAYOUT, position=0, words=words)
