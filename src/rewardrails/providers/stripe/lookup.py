"""Finding an attempt's intent: by its id where that is known, else among all of the account's.

The list has no filter for our key, and an empty one is an empty array, which a broken gateway answers as well: absence
is believed only while the financial account itself can be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote as url_quote

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Absent, CannotTell, Found, SyncResult
from rewardrails.errors import ErrorCode
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.base import Reference
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.client import INTENTS, PAYMENTS, StripeClient, evidence_of, leads_on
from rewardrails.providers.stripe.mapping import RAIL_KEY, awaits_confirmation, never_paid, observation_of

PAGE = 100
MOST_PAGES = 50
ACCOUNTS = "/v2/money_management/financial_accounts"
OUTBOUND_PAYMENT = "outbound_payment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An intent, and the answer it was read in."""

    intent: wire.Intent
    reply: HttpReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Looks for intents of one financial account; asking changes nothing."""

    client: StripeClient
    financial_account: str
    assets: Mapping[str, int]

    async def sync(self, reference: Reference) -> SyncResult:
        """Where an attempt stands. An intent that is not confirmed is no payout: the attempt is absent, and may go on."""
        seen = await self.find(reference)
        if not isinstance(seen, Seen):
            return seen
        return await self.told(seen, reference.ref.rail_key)

    async def told(self, seen: Seen, rail_key: str) -> SyncResult:
        """What an intent and the payment that it made say of an attempt."""
        evidence = evidence_of(seen.reply, status=seen.intent.status)
        if (seen.intent.metadata or {}).get(RAIL_KEY) != rail_key:
            return certainty.cannot_tell(seen.reply, evidence)
        if awaits_confirmation(seen.intent):
            return Absent(evidence=evidence)
        payment = await self._payment(seen.intent)
        if isinstance(payment, CannotTell):
            return payment
        if payment is not None:
            evidence = evidence_of(seen.reply, status=payment.status)
        told = observation_of(seen.intent, payment, rail_key, self.assets, evidence)
        return Found(observation=told) if told is not None else certainty.cannot_tell(seen.reply, evidence)

    async def find(self, reference: Reference) -> Seen | Absent | CannotTell:
        """The attempt's intent; by its key, the one that was confirmed before one that was canceled and paid nothing."""
        if reference.provider_reference:
            return await self.read(reference.provider_reference)
        return await self._search(reference.ref.rail_key)

    async def read(self, intent_id: str) -> Seen | CannotTell:
        """The very intent, or nothing can be told."""
        reply = await self.client.look(f"{INTENTS}/{url_quote(intent_id, safe='')}")
        if not isinstance(reply, HttpReply):
            return certainty.cannot_ask(reply)
        intent = strict_json.try_decode(wire.INTENT, reply.body) if reply.status == 200 else None
        if intent is None or intent.id != intent_id:
            return certainty.cannot_tell(reply, evidence_of(reply))
        return Seen(intent=intent, reply=reply)

    async def account(self) -> HttpReply | NeverSent | MaybeSent:
        """The answer to a look at the financial account."""
        return await self.client.look(f"{ACCOUNTS}/{url_quote(self.financial_account, safe='')}")

    def account_in(self, reply: HttpReply) -> wire.Account | None:
        """The financial account in such an answer; None where it is not about ours."""
        account = strict_json.try_decode(wire.ACCOUNT, reply.body) if reply.status == 200 else None
        return account if account is not None and account.id == self.financial_account else None

    async def _payment(self, intent: wire.Intent) -> wire.Payment | CannotTell | None:
        latest = intent.latest_payout
        if latest is None or latest.type != OUTBOUND_PAYMENT or not latest.outbound_payment:
            return None
        reply = await self.client.look(f"{PAYMENTS}/{url_quote(latest.outbound_payment, safe='')}")
        if not isinstance(reply, HttpReply):
            return certainty.cannot_ask(reply)
        payment = strict_json.try_decode(wire.PAYMENT, reply.body) if reply.status == 200 else None
        if payment is None or payment.id != latest.outbound_payment:
            return certainty.cannot_tell(reply, evidence_of(reply))
        return payment

    async def _search(self, rail_key: str) -> Seen | Absent | CannotTell:
        path, canceled = f"{INTENTS}?limit={PAGE}", None
        for _ in range(MOST_PAGES):
            reply = await self.client.look(path)
            if not isinstance(reply, HttpReply):
                return certainty.cannot_ask(reply)
            page = strict_json.try_decode(wire.INTENTS, reply.body) if reply.status == 200 else None
            if page is None:
                return certainty.cannot_tell(reply, evidence_of(reply))
            for intent in page.data:
                if (intent.metadata or {}).get(RAIL_KEY) != rail_key or awaits_confirmation(intent):
                    continue
                if not never_paid(intent):
                    return Seen(intent=intent, reply=reply)
                canceled = Seen(intent=intent, reply=reply)
            if page.next_page_url is None:
                return canceled or await self._absent(reply)
            if not leads_on(page.next_page_url, INTENTS):
                return certainty.cannot_tell(reply, Evidence(message="the list goes on somewhere else"))
            path = page.next_page_url
        too_many = Evidence(message=f"not among the first {MOST_PAGES * PAGE} payout intents")
        return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=too_many)

    async def _absent(self, last: HttpReply) -> Absent | CannotTell:
        reply = await self.account()
        if not isinstance(reply, HttpReply):
            return certainty.cannot_ask(reply)
        if self.account_in(reply) is None:
            return certainty.cannot_tell(reply, evidence_of(reply))
        return Absent(evidence=certainty.evidence_of(last))
