"""The adapter for Tremendous: one order of one reward for each attempt, under a lasting `external_id`."""

import hmac
from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote as url_quote

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, OutcomeUnknown, Rejected, Settled
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import AmountInvalid, ErrorCode, RewardRailsError
from rewardrails.providers import certainty, checks, strict_json
from rewardrails.providers.base import Checked, Reference
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.own_quote import own_quote
from rewardrails.providers.settings import base_url, credential, read_settings
from rewardrails.providers.tremendous import wire
from rewardrails.providers.tremendous.mapping import denomination_of, observation_of, refusal_of
from rewardrails.providers.tremendous.settings import (
    ADDRESSES,
    TremendousSettings,
    capabilities_of,
    refuse_incomplete,
)
from rewardrails.providers.tremendous.statement import pages
from rewardrails.providers.tremendous.webhook import read_event
from rewardrails.secrets import Secret

# A key that Tremendous does not know buys nothing.
AUTH_REFUSALS = frozenset({401})
CONFLICT = 409
BY_EMAIL = "EMAIL"
CENTS = 2


class TremendousProvider:
    """One organisation at Tremendous. Supports webhooks, balance, statement and check; nothing delivered comes back."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, TremendousSettings)
        refuse_incomplete(context, settings)
        self.name = context.name
        self.capabilities = capabilities_of(context, settings)
        self._settings = settings
        self._base_url = base_url(context, settings.base_url or ADDRESSES[context.environment])
        self._authorization = Secret(f"Bearer {credential(context, 'api_key').reveal()}")
        self._webhook_key = credential(context, "webhook_private_key")
        self._exponents = dict(context.assets)
        self._http = context.http

    async def quote(self, request: QuoteRequest) -> Quote:
        """Amount plus the most that the configured fee can be, computed here: Tremendous quotes nothing."""
        return own_quote(request, self.capabilities.fees, ttl_seconds=self._settings.quote_ttl_seconds)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """POST /orders; the same order makes the same bytes, and is answered with the same reward."""
        try:
            reply = await self._call("POST", "/orders", wire.ENCODER.encode(self._new_order(order)))
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        errors = _errors(reply)
        evidence = _evidence(reply, errors)
        uncertain = certainty.of_status(reply, evidence, documented_auth_refusals=AUTH_REFUSALS)
        if reply.status == CONFLICT:
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence)
        if uncertain is not None:
            return uncertain
        if reply.status < certainty.FIRST_REFUSAL:
            return self._taken(order, reply)
        refusal = refusal_of(reply.status, errors)
        if refusal is None:
            return OutcomeUnknown(evidence=evidence)
        return Rejected(code=refusal.code, retryable=refusal.retryable, scope=refusal.scope, evidence=evidence)

    async def sync(self, reference: Reference) -> SyncResult:
        """GET /orders by our reference: it names the order, its reward and how far both have come."""
        try:
            reply = await self._call("GET", f"/orders?external_id={reference.ref.rail_key}")
        except (NeverSent, MaybeSent) as error:
            return certainty.cannot_ask(error)
        listed = strict_json.try_decode(wire.ORDERS, reply.body) if reply.status == 200 else None
        if listed is None:
            return certainty.cannot_tell(reply, _evidence(reply, _errors(reply)))
        found = [order for order in listed.orders if order.external_id == reference.ref.rail_key]
        if len(found) < len(listed.orders):  # the filter was not understood: the list says nothing about absence
            return certainty.cannot_tell(reply, certainty.evidence_of(reply))
        if not found:
            return Absent(evidence=certainty.evidence_of(reply))
        seen = self._observe(found[0], reply) if len(found) == 1 else None
        return Found(observation=seen) if seen else certainty.cannot_tell(reply, certainty.evidence_of(reply))

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """What a delivery is about; raises `WebhookRefused`."""
        return read_event(request, self._webhook_key)

    async def balance(self) -> Sequence[Money]:
        """What the funding source holds, if it tells and the currency is configured; raises `RewardRailsError`."""
        try:
            held = self._held(await self._ask_funding())
        except (NeverSent, MaybeSent) as error:
            raise self._no_balance() from error
        if held is None:
            raise self._no_balance()
        return held

    def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """GET /orders of a time, whoever made them; raises `RewardRailsError`."""
        return pages(self.name, window, self._exponents, lambda path: self._call("GET", path))

    async def check(self) -> Sequence[Checked]:
        """Ask for the funding source and the webhook: credentials, permissions, balance, clocks, webhook set-up."""
        try:
            funding = await self._ask_funding()
            hooks = await self._call("GET", "/webhooks")
        except (NeverSent, MaybeSent) as error:
            return [checks.unreachable(self._base_url, error)]
        found = [*checks.answered(self._base_url, funding, permission="read the funding sources")]
        held = self._held(funding)
        if held is None:
            missing = f"the funding source {self._settings.funding_source_id} is not told"
            found.append(
                Checked(
                    about="funding source", is_right=False, found=missing, do="is [settings] funding_source_id right?"
                )
            )
        else:
            found += checks.holdings(held, self._exponents)
        return [*found, self._webhook_set_up(hooks)]

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    async def _ask_funding(self) -> HttpReply:
        return await self._call("GET", f"/funding_sources/{url_quote(self._settings.funding_source_id, safe='')}")

    def _held(self, reply: HttpReply) -> list[Money] | None:
        """What the configured funding source holds; None where the answer is not about it."""
        told = strict_json.try_decode(wire.FUNDING, reply.body) if reply.status == 200 else None
        if told is None or told.funding_source.id != self._settings.funding_source_id:
            return None
        meta = told.funding_source.meta
        if meta.available_cents is None or self._exponents.get(meta.currency_code or "") != CENTS:
            return []
        return [Money(amount_minor=meta.available_cents, asset=meta.currency_code or "")]

    def _webhook_set_up(self, reply: HttpReply) -> Checked:
        told = strict_json.try_decode(wire.HOOKS, reply.body) if reply.status == 200 else None
        ours = (
            [one for one in told.webhooks if one.url.rstrip("/").endswith(f"/v1/webhooks/{self.name}")] if told else []
        )
        if not ours:
            do = f"make one in the dashboard or by POST /webhooks, to https://YOUR-HOST/v1/webhooks/{self.name}"
            return Checked(about="webhook", is_right=False, found="none of theirs comes here", do=do)
        same = any(hmac.compare_digest(one.private_key.encode(), self._webhook_key.reveal().encode()) for one in ours)
        return Checked(
            about="webhook",
            is_right=same,
            found="comes here" if same else "comes here, signed with another key",
            do="" if same else "put its private_key into [credentials] webhook_private_key",
        )

    def _new_order(self, order: Order) -> wire.NewOrder:
        return wire.NewOrder(
            external_id=order.rail_key,
            payment=wire.Payment(funding_source_id=self._settings.funding_source_id),
            reward=wire.NewReward(
                value=denomination_of(order.amount, self._exponents),
                recipient=wire.Recipient(email=order.destination.value),
                delivery=wire.Delivery(method=BY_EMAIL),
                campaign_id=self._settings.campaign_id,
                products=self._settings.products,
            ),
        )

    async def _call(self, method: str, path: str, body: bytes | None = None) -> HttpReply:
        headers: dict[str, str | Secret] = {"Authorization": self._authorization, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self._http.request(
            method,
            f"{self._base_url}{path}",
            headers=headers,
            body=body,
            timeout_seconds=self.capabilities.call_timeout.total_seconds(),
        )

    def _taken(self, order: Order, reply: HttpReply) -> CreateOutcome:
        """A 2xx: Settled or Accepted if it is about this very order, unknown otherwise."""
        answer = strict_json.try_decode(wire.ORDER, reply.body)
        seen = self._observe(answer.order, reply) if answer is not None else None
        if answer is None or seen is None:
            return OutcomeUnknown(evidence=certainty.evidence_of(reply))
        email = answer.order.rewards[0].recipient.email or ""
        same = (seen.rail_key, seen.amount) == (order.rail_key, order.amount)
        if not same or email.casefold() != order.destination.value.casefold():
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=seen.evidence)
        match seen.status:
            case ObservedStatus.PAID:
                return Settled(provider_reference=seen.provider_reference, fee=seen.fee, evidence=seen.evidence)
            case ObservedStatus.PENDING | ObservedStatus.FAILED | ObservedStatus.CANCELED:
                return Accepted(provider_reference=seen.provider_reference, evidence=seen.evidence)
            case _:
                return OutcomeUnknown(provider_reference=seen.provider_reference, evidence=seen.evidence)

    def _observe(self, order: wire.Order, reply: HttpReply) -> Observation | None:
        status = order.status
        if len(order.rewards) == 1:
            status = f"{status}, delivery {order.rewards[0].delivery.status}"
        try:
            return observation_of(order, self._exponents, certainty.evidence_of(reply, provider_status=status))
        except AmountInvalid:
            return None

    def _no_balance(self) -> RewardRailsError:
        return RewardRailsError(
            f"provider {self.name!r} did not tell its balance: try again later", code=ErrorCode.PROVIDER_UNAVAILABLE
        )


def _errors(reply: HttpReply) -> wire.Errors | None:
    if reply.status < certainty.FIRST_REFUSAL:
        return None
    answer = strict_json.try_decode(wire.ERROR, reply.body)
    return answer.errors if answer is not None else None


def _evidence(reply: HttpReply, errors: wire.Errors | None) -> Evidence:
    return certainty.evidence_of(reply, message=errors.message if errors is not None else "")
