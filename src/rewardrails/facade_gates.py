"""The verbs around the gates, as `RewardRails.gates`: what is allowed, what is known, and why a payout stands where it stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from rewardrails.domain.policy.case import ListKind
from rewardrails.engine import addresses, approve, erase, explain, legal, ownership, players, rates
from rewardrails.engine.addresses import LoadedList, NewList
from rewardrails.engine.approve import Waiting
from rewardrails.engine.core import Core
from rewardrails.engine.erase import Erased, ErasureRequest
from rewardrails.engine.explain import Explanation
from rewardrails.engine.legal import NewApproval, RecordedApproval
from rewardrails.engine.ownership import Challenge, Claim, Proved
from rewardrails.engine.players import CheckReport, RiskReport
from rewardrails.engine.rates import AssetRate
from rewardrails.errors import FieldInvalid
from rewardrails.intake.address_lists import read_list


class Gates:
    """Verbs of one engine; everything done here stands in history under `actor`."""

    def __init__(self, core: Core, *, actor: str, authenticated_at: datetime | None = None) -> None:
        """Use `RewardRails.gates`."""
        self._core = core
        self._actor = actor
        self._authenticated_at = authenticated_at

    async def explain(self, payout_id: UUID) -> Explanation:
        """Every gate's verdict on a payout as it stands now, and what a player may be told. Raises `NotFound`."""
        return await explain.explain(self._core, payout_id)

    # The legal register -----------------------------------------------------------------------------------------------

    async def record_approval(self, new: NewApproval) -> RecordedApproval:
        """Record a legal approval; a second person confirms it before it allows anything."""
        return await legal.record(self._core, new, actor=self._actor)

    async def confirm_approval(self, approval_id: UUID) -> RecordedApproval:
        """Put a legal approval in force. Raises `Forbidden` for whoever recorded it."""
        return await legal.confirm(self._core, approval_id, actor=self._actor)

    async def revoke_approval(self, approval_id: UUID, *, reason: str) -> RecordedApproval:
        """End a legal approval, at once."""
        return await legal.revoke(self._core, approval_id, reason=reason, actor=self._actor)

    async def approvals(self) -> Sequence[RecordedApproval]:
        """The legal register, newest first."""
        return await legal.register(self._core)

    # What is known ----------------------------------------------------------------------------------------------------

    async def report_checks(self, reports: Sequence[CheckReport]) -> None:
        """Tell how checks of players came out."""
        await players.report_checks(self._core, reports, actor=self._actor)

    async def report_risk(self, reports: Sequence[RiskReport]) -> None:
        """Tell how much players are distrusted."""
        await players.report_risk(self._core, reports, actor=self._actor)

    async def erase_players(self, requests: Sequence[ErasureRequest]) -> Mapping[str, Erased]:
        """Erase players' data for good; answers what became of each request."""
        return await erase.erase_players(self._core, requests, actor=self._actor)

    async def load_list(
        self, data: bytes, *, name: str, kind: ListKind, source: str, dated: datetime | None = None
    ) -> LoadedList:
        """Load a list of destinations (plain text or OFAC's XML); `dated` where the file does not say its date itself."""
        file = read_list(data)
        when = file.dated or dated
        if when is None:
            raise FieldInvalid("the file does not say its date: give it", field="dated")
        new = NewList(name=name, kind=kind, source=source, dated=when, sha256=file.sha256, entries=file.entries)
        return await addresses.load_list(self._core, new, actor=self._actor)

    async def lists(self) -> Sequence[LoadedList]:
        """The lists in force."""
        return await addresses.lists(self._core)

    async def challenge(self, claim: Claim, *, proof: str) -> Challenge:
        """Ask a player to prove that a destination is theirs. Raises `FieldInvalid`, `OwnershipRefused`."""
        return await ownership.challenge(self._core, claim, proof=proof, actor=self._actor)

    async def prove(self, claim: Claim, *, challenge_id: UUID, answer: str) -> Proved:
        """Judge the answer to a challenge; payouts that waited for it go on. Raises `OwnershipRefused`."""
        return await ownership.prove(self._core, claim, challenge_id=challenge_id, answer=answer, actor=self._actor)

    async def set_rates(self, values: Mapping[str, str], *, dated: datetime, source: str) -> Sequence[AssetRate]:
        """Say what assets are worth in the reference unit; answers all rates."""
        await rates.set_rates(self._core, values, dated=dated, source=source, actor=self._actor)
        return await rates.rates(self._core)

    async def rates(self) -> Sequence[AssetRate]:
        """The rates in force."""
        return await rates.rates(self._core)

    # Approval by people -----------------------------------------------------------------------------------------------

    async def waiting(self, batch_id: UUID | None = None) -> Sequence[Waiting]:
        """Totals of what waits for approval, of one batch or of all."""
        return await approve.waiting(self._core, batch_id)

    async def approve(self, seen: Mapping[UUID, str]) -> Sequence[UUID]:
        """Approve payouts by their `approval_digest`; answers those that still wait for somebody else.

        Raises `Forbidden` for their author, `StateConflict` for what is not what was seen any more.
        """
        stands = await approve.approve(self._core, seen, actor=self._actor, authenticated_at=self._authenticated_at)
        return [payout_id for payout_id, judgement in stands.items() if judgement.stopped]

    async def approve_batch(self, batch_id: UUID, *, seen: Sequence[Waiting]) -> int:
        """Approve all of a batch that waits, if it is still what was `seen`; answers how many."""
        return await approve.approve_batch(
            self._core, batch_id, seen=seen, actor=self._actor, authenticated_at=self._authenticated_at
        )
