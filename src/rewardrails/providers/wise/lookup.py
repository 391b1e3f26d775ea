"""Finding an attempt's transfer: by its number where that is known, else in the profile's list.

The list has no filter for our key, and an empty one is an empty array, which a broken gateway answers as well: absence
is believed only while the profile itself can be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote as url_quote
from urllib.parse import urlencode
from uuid import UUID

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, ObservedStatus, SyncResult
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.base import Reference
from rewardrails.providers.http import HttpReply
from rewardrails.providers.wise import wire
from rewardrails.providers.wise.client import WiseClient, evidence_of
from rewardrails.providers.wise.mapping import UNFUNDED, fee_of, observation_of, transaction_id
from rewardrails.providers.wise.settings import Funding

PAGE = 100
MOST_PAGES = 50
# A payout is older than each of its transfers, by clocks that are not the same.
CLOCKS_DIFFER_BY = timedelta(hours=1)
UUID_WITH_TIME = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A transfer, and the answer it was read in."""

    transfer: wire.Transfer
    reply: HttpReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Looks for transfers of one profile; asking changes nothing."""

    client: WiseClient
    exponents: Mapping[str, int]
    funding: Funding

    async def sync(self, reference: Reference) -> SyncResult:
        """Where an attempt stands. A transfer that is not paid for is no payout: the attempt is absent, and may go on."""
        seen = await self.find(reference)
        if not isinstance(seen, Seen):
            return seen
        evidence = certainty.evidence_of(seen.reply, provider_status=seen.transfer.status)
        rail_key = reference.ref.rail_key
        told = observation_of(seen.transfer, rail_key, self.exponents, evidence, waits=self.waits(seen.transfer))
        if told is None:
            return certainty.cannot_tell(seen.reply, evidence)
        if seen.transfer.status == UNFUNDED and self.funding is Funding.API:
            return Absent(evidence=evidence)
        if told.status is not ObservedStatus.PAID:
            return Found(observation=told)
        fee = await self.fee(seen.transfer, reference.amount)
        return Found(observation=observation_of(seen.transfer, rail_key, self.exponents, evidence, fee=fee) or told)

    async def find(self, reference: Reference) -> Seen | Absent | CannotTell:
        """The attempt's transfer, whatever its status."""
        if reference.provider_reference:
            return await self.read(reference.provider_reference)
        return await self._search(reference.ref.rail_key, reference.ref.payout_id)

    async def read(self, transfer_id: str) -> Seen | CannotTell:
        """GET /v1/transfers/{id}; the very transfer, or nothing can be told."""
        reply = await self.client.look(f"/v1/transfers/{url_quote(transfer_id, safe='')}")
        if not isinstance(reply, HttpReply):
            return certainty.cannot_ask(reply)
        transfer = strict_json.try_decode(wire.TRANSFER, reply.body) if reply.status == 200 else None
        if transfer is None or str(transfer.id) != transfer_id:
            return certainty.cannot_tell(reply, evidence_of(reply))
        return Seen(transfer=transfer, reply=reply)

    async def fee(self, transfer: wire.Transfer, amount: Money) -> Money | None:
        """What the transfer's quote took beyond the amount; None where the quote is not told any more."""
        path = f"/v3/profiles/{self.client.profile_id}/quotes/{url_quote(transfer.quote_uuid or '-', safe='')}"
        reply = await self.client.look(path)
        if not isinstance(reply, HttpReply) or reply.status != 200:
            return None
        quote = strict_json.try_decode(wire.QUOTE, reply.body)
        try:
            return fee_of(quote, amount, self.exponents) if quote is not None else None
        except AmountInvalid:
            return None

    def waits(self, transfer: wire.Transfer) -> bool:
        """Whether a person has yet to pay for it in Wise's app."""
        return transfer.status == UNFUNDED and self.funding is Funding.APP

    async def _search(self, rail_key: str, payout_id: UUID) -> Seen | Absent | CannotTell:
        wanted = transaction_id(rail_key)
        for page in range(MOST_PAGES):
            reply = await self.client.look(f"/v1/transfers?{self._page(page, payout_id)}")
            if not isinstance(reply, HttpReply):
                return certainty.cannot_ask(reply)
            listed = strict_json.try_decode(wire.TRANSFERS, reply.body) if reply.status == 200 else None
            if listed is None:
                return certainty.cannot_tell(reply, evidence_of(reply))
            if found := [one for one in listed if one.customer_transaction_id == wanted]:
                return _only(found, reply)
            if len(listed) < PAGE:
                return await self._absent(reply)
        too_many = Evidence(message=f"not among the first {MOST_PAGES * PAGE} transfers")
        return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=too_many)

    def _page(self, page: int, payout_id: UUID) -> str:
        query = {"profile": self.client.profile_id, "limit": PAGE, "offset": page * PAGE}
        if payout_id.version == UUID_WITH_TIME:
            born = datetime.fromtimestamp((payout_id.int >> 80) / 1000, UTC) - CLOCKS_DIFFER_BY
            return urlencode(query | {"createdDateStart": born.strftime("%Y-%m-%dT%H:%M:%S.000Z")})
        return urlencode(query)

    async def _absent(self, last: HttpReply) -> Absent | CannotTell:
        reply = await self.client.look(f"/v2/profiles/{self.client.profile_id}")
        if not isinstance(reply, HttpReply):
            return certainty.cannot_ask(reply)
        profile = strict_json.try_decode(wire.PROFILE, reply.body) if reply.status == 200 else None
        if profile is None or profile.id != self.client.profile_id:
            return certainty.cannot_tell(reply, evidence_of(reply))
        return Absent(evidence=certainty.evidence_of(last))


def _only(found: Sequence[wire.Transfer], reply: HttpReply) -> Seen | CannotTell:
    if len({one.id for one in found}) > 1:
        return certainty.cannot_tell(reply, Evidence(message="two transfers have one customerTransactionId"))
    return Seen(transfer=found[0], reply=reply)
