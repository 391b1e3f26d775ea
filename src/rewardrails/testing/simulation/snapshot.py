"""What the database says after a step, read in one statement: payouts, attempts, and every rule that is broken."""

import msgspec

from rewardrails.store.database import Connection
from rewardrails.store.sql import sql
from rewardrails.testing.simulation.post import BAD

# The rules of `rewardrails ledger verify`, each a query that answers no row while its rule holds.
LEDGER_RULES = (
    "accounts_against_transfers",
    "pools_out_of_balance",
    "reservations_against_payouts",
    "paid_against_payouts",
    "payouts_without_history",
)


class PayoutNow(msgspec.Struct, frozen=True):
    """A payout as it stands; `reward` is its number in the run."""

    id: str
    reward: int
    state: str
    campaign: str
    amount: int
    provider: str | None


class AttemptNow(msgspec.Struct, frozen=True):
    """An attempt as it stands."""

    payout: str
    attempt_no: int
    provider: str
    state: str
    sends: int
    syncs: int
    provider_reference: str | None

    @property
    def live(self) -> bool:
        """Whether the rail may still act on it."""
        return self.state in ("sending", "accepted", "unknown")

    @property
    def rail_key(self) -> str:
        """Its name at the rail."""
        return f"{self.payout}-{self.attempt_no}"


class ProposalNow(msgspec.Struct, frozen=True):
    """What one person has said of an unknown outcome, and nobody confirmed yet."""

    payout: str
    outcome: str
    by: str


class Snapshot(msgspec.Struct, frozen=True):
    """The database after a step."""

    payouts: list[PayoutNow] = []
    attempts: list[AttemptNow] = []
    proposals: list[ProposalNow] = []
    broken: list[str] = []
    bad_notices: list[str] = []
    waiting_notices: int = 0

    def payout(self, reward: int) -> PayoutNow | None:
        """The payout of a reward."""
        return next((payout for payout in self.payouts if payout.reward == reward), None)

    def attempts_of(self, payout: str) -> list[AttemptNow]:
        """A payout's attempts in order."""
        return [attempt for attempt in self.attempts if attempt.payout == payout]


def _statement() -> str:
    broken = " UNION ALL ".join(
        f"SELECT '{name} ' || to_jsonb(found)::text AS told FROM ({_plain(sql(name))}) AS found"  # noqa: S608 - the engine's own
        for name in LEDGER_RULES
    )
    return f"""
SELECT json_build_object(
    'payouts', COALESCE((SELECT json_agg(json_build_object('id', replace(id::text, '-', ''),
        'reward', substr(reward_id, 3)::int, 'state', state, 'campaign', campaign, 'amount', amount, 'provider', provider)
        ORDER BY reward_id) FROM payout), '[]'),
    'attempts', COALESCE((SELECT json_agg(json_build_object('payout', replace(payout_id::text, '-', ''),
        'attempt_no', attempt_no, 'provider', provider, 'state', state, 'sends', sends, 'syncs', syncs,
        'provider_reference', provider_reference) ORDER BY payout_id, attempt_no) FROM attempt), '[]'),
    'proposals', COALESCE((SELECT json_agg(json_build_object('payout', replace(payout_id::text, '-', ''),
        'outcome', outcome, 'by', proposed_by)) FROM resolution WHERE confirmed_at IS NULL AND voided_at IS NULL), '[]'),
    'broken', COALESCE((SELECT json_agg(told) FROM ({broken}) AS rules), '[]'),
    'bad_notices', COALESCE((SELECT json_agg(told) FROM (
        SELECT 'inbox ' || event_key AS told FROM webhook_inbox WHERE event_key LIKE '{BAD}%' AND state = 'applied'
        UNION ALL SELECT 'observation of ' || payout_id FROM observation WHERE provider_code = '{BAD}') AS bad), '[]'),
    'waiting_notices', (SELECT count(*) FROM webhook_inbox WHERE state = 'waiting'))::text
"""  # noqa: S608 - the engine's own statements


def _plain(statement: str) -> str:
    return "\n".join(line for line in statement.splitlines() if not line.startswith("--"))


_DECODER = msgspec.json.Decoder(Snapshot)


async def read_snapshot(raw: Connection) -> Snapshot:
    """Read it between transactions."""
    return _DECODER.decode(await raw.fetchval(STATEMENT))


STATEMENT = _statement()
