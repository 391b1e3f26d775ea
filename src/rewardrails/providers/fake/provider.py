"""The adapter for the fake provider; `docs/howto/write-an-adapter.md` walks through it."""

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote as url_quote

from rewardrails.domain.assets import format_amount
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import (
    Accepted,
    Canceled,
    CancelOutcome,
    CreateOutcome,
    NotCancelable,
    OutcomeUnknown,
    Rejected,
    Settled,
)
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import AmountInvalid, ConfigInvalid, ErrorCode, RewardRailsError
from rewardrails.providers import certainty, checks, statements, strict_json
from rewardrails.providers.base import Checked, Reference
from rewardrails.providers.capabilities import Lookup
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.fake.mapping import NOT_REFUSALS, REFUSALS, money_of, observation_of
from rewardrails.providers.fake.settings import FakeSettings, capabilities_of
from rewardrails.providers.fake.statement import MAX_PAGES, item_of
from rewardrails.providers.fake.webhook import read_event
from rewardrails.providers.fake.wire import (
    BALANCE,
    ENCODER,
    ERROR,
    LIST,
    PAGE,
    PAYOUT,
    CreateRequest,
    ErrorDetail,
    PayoutReply,
    WireDestination,
)
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.own_quote import own_quote
from rewardrails.providers.settings import base_url, credential, read_settings
from rewardrails.providers.signatures import StandardWebhook
from rewardrails.secrets import Secret

# The fake provider answers 401 before it reads the request: see `unauthorized` in its list of refusals.
AUTH_REFUSALS = frozenset({401})
OK_STATUSES = frozenset({200, 201})


class FakeProvider:
    """One account at a fake provider. Supports cancel, webhooks, balance, statement and check."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, FakeSettings)
        self.name = context.name
        self.capabilities = capabilities_of(context, settings)
        self._settings = settings
        self._base_url = base_url(context, settings.base_url)
        self._authorization = Secret(f"Bearer {credential(context, 'api_token').reveal()}")
        self._exponents = dict(context.assets)
        self._http = context.http
        try:
            self._verifier = StandardWebhook(credential(context, "webhook_secret"))
        except ValueError as error:
            raise ConfigInvalid(f"provider {context.name!r}: {error}", field="webhook_secret") from error

    async def quote(self, request: QuoteRequest) -> Quote:
        """Amount plus the most the fee schedule can charge, computed here."""
        return own_quote(request, self.capabilities.fees, ttl_seconds=self._settings.quote_ttl_seconds)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """POST /v1/payouts under the attempt's key; the same order makes the same bytes."""
        body = ENCODER.encode(
            CreateRequest(
                reference=order.rail_key,
                amount=format_amount(order.amount.amount_minor, self._exponents[order.amount.asset]),
                asset=order.amount.asset,
                destination=_wire_destination(order),
            )
        )
        try:
            reply = await self._call("POST", "/v1/payouts", body=body, key=order.rail_key)
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        return self._created(order, reply)

    async def sync(self, reference: Reference) -> SyncResult:
        """GET by their id where we know it, else by our reference where the profile has such a lookup."""
        if reference.provider_reference:
            path = f"/v1/payouts/{url_quote(reference.provider_reference, safe='')}"
        elif self.capabilities.lookup is Lookup.OUR_REFERENCE:
            path = f"/v1/payouts?reference={reference.ref.rail_key}"
        else:
            return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=Evidence(message="This rail has no lookup."))
        try:
            reply = await self._call("GET", path)
        except (NeverSent, MaybeSent) as error:
            return certainty.cannot_ask(error)
        if reply.status != 200:
            return certainty.cannot_tell(reply, _error_evidence(reply))
        return self._found(reference, reply)

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """POST /v1/payouts/{id}/cancel, after a lookup where we do not know their id."""
        payout_id = reference.provider_reference or await self._their_id(reference)
        if not payout_id:
            return OutcomeUnknown(evidence=Evidence(message="The payout to cancel was not found."))
        try:
            reply = await self._call("POST", f"/v1/payouts/{url_quote(payout_id, safe='')}/cancel")
        except (NeverSent, MaybeSent) as error:
            return _not_canceled(certainty.of_error(error))
        return self._canceled(reference, reply)

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """What a delivery says; raises `WebhookRefused`."""
        return read_event(request, self._verifier, self._exponents)

    async def balance(self) -> Sequence[Money]:
        """What the provider holds of the configured assets; raises `RewardRailsError` when it does not say."""
        try:
            held = self._held(await self._call("GET", "/v1/balance"))
        except (NeverSent, MaybeSent) as error:
            raise self._no_balance() from error
        if held is None:
            raise self._no_balance()
        return held

    def _held(self, reply: HttpReply) -> list[Money] | None:
        told = strict_json.try_decode(BALANCE, reply.body) if reply.status == 200 else None
        if told is None:
            return None
        return [
            money_of(amount, asset, self._exponents)
            for asset, amount in told.balances.items()
            if asset in self._exponents
        ]

    async def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """GET /v1/payouts?from=&to=, page by page, oldest first; raises `RewardRailsError` when it is not to be had."""
        after = ""
        for _ in range(MAX_PAGES):
            span = f"from={url_quote(window.start.isoformat())}&to={url_quote(window.end.isoformat())}"
            try:
                reply = await self._call("GET", f"/v1/payouts?{span}&after={url_quote(after, safe='')}")
            except (NeverSent, MaybeSent) as error:
                raise statements.not_told(self.name) from error
            page = strict_json.try_decode(PAGE, reply.body) if reply.status == 200 else None
            if page is None:
                raise statements.not_told(self.name, status=reply.status)
            yield [item_of(payout, self._exponents) for payout in page.payouts]
            after = page.next
            if not after:
                return
        raise statements.too_long(self.name)

    async def check(self) -> Sequence[Checked]:
        """Ask for the balance: credentials, clocks, money."""
        try:
            reply = await self._call("GET", "/v1/balance")
        except (NeverSent, MaybeSent) as error:
            return [checks.unreachable(self._base_url, error)]
        found = [*checks.answered(self._base_url, reply, permission="read the balance")]
        return [*found, *checks.holdings(self._held(reply) or (), self._exponents)]

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    async def _call(self, method: str, path: str, *, body: bytes | None = None, key: str = "") -> HttpReply:
        headers: dict[str, str | Secret] = {"Authorization": self._authorization}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        return await self._http.request(
            method,
            f"{self._base_url}{path}",
            headers=headers,
            body=body,
            timeout_seconds=self.capabilities.call_timeout.total_seconds(),
        )

    def _created(self, order: Order, reply: HttpReply) -> CreateOutcome:
        detail = _error_detail(reply)
        evidence = _error_evidence(reply)
        uncertain = certainty.of_status(reply, evidence, documented_auth_refusals=AUTH_REFUSALS)
        if isinstance(uncertain, OutcomeUnknown) and detail is not None:
            return OutcomeUnknown(code=NOT_REFUSALS.get(detail.code, uncertain.code), evidence=evidence)
        if uncertain is not None:
            return uncertain
        if reply.status in OK_STATUSES:
            return self._taken(order, reply)
        refusal = REFUSALS.get(detail.code) if detail is not None else None
        if refusal is None:
            return OutcomeUnknown(evidence=evidence)
        return Rejected(code=refusal.code, retryable=refusal.retryable, scope=refusal.scope, evidence=evidence)

    def _taken(self, order: Order, reply: HttpReply) -> CreateOutcome:
        """A 2xx: Settled or Accepted if it is about this very order, unknown otherwise."""
        seen = self._read_payout(reply)
        if seen is None:
            return OutcomeUnknown(evidence=certainty.evidence_of(reply))
        expected = (order.rail_key, order.amount, order.destination)
        if (seen.rail_key, seen.amount, seen.destination) != expected or seen.status is ObservedStatus.UNKNOWN:
            return OutcomeUnknown(provider_reference=seen.provider_reference, evidence=seen.evidence)
        if seen.status is ObservedStatus.PAID:
            return Settled(provider_reference=seen.provider_reference, fee=seen.fee, evidence=seen.evidence)
        return Accepted(provider_reference=seen.provider_reference, evidence=seen.evidence)

    def _found(self, reference: Reference, reply: HttpReply) -> SyncResult:
        """A 200 to a question, by id (one payout) or by reference (a list)."""
        if reference.provider_reference:
            seen = self._read_payout(reply)
            return Found(observation=seen) if seen else certainty.cannot_tell(reply, certainty.evidence_of(reply))
        listed = strict_json.try_decode(LIST, reply.body)
        if listed is None:
            return certainty.cannot_tell(reply, certainty.evidence_of(reply))
        if not listed.payouts:
            return Absent(evidence=certainty.evidence_of(reply))
        if len(listed.payouts) > 1:
            return Found(observation=_paid_more_than_once(reference, reply))
        seen = self._observe(listed.payouts[0], reply)
        return Found(observation=seen) if seen else certainty.cannot_tell(reply, certainty.evidence_of(reply))

    def _canceled(self, reference: Reference, reply: HttpReply) -> CancelOutcome:
        detail, evidence = _error_detail(reply), _error_evidence(reply)
        if reply.status == 409 and detail is not None and detail.code == "not_cancelable":
            return NotCancelable(evidence=evidence)
        line = certainty.of_status(reply, evidence, documented_auth_refusals=AUTH_REFUSALS)
        if line is not None:
            return _not_canceled(line)
        seen = self._read_payout(reply) if reply.status in OK_STATUSES else None
        if seen is None or seen.rail_key != reference.ref.rail_key or seen.status is not ObservedStatus.CANCELED:
            return OutcomeUnknown(evidence=evidence)
        return Canceled(evidence=seen.evidence)

    async def _their_id(self, reference: Reference) -> str:
        match await self.sync(reference):
            case Found(observation=seen):
                return seen.provider_reference
            case _:
                return ""

    def _read_payout(self, reply: HttpReply) -> Observation | None:
        payout = strict_json.try_decode(PAYOUT, reply.body)
        return self._observe(payout, reply) if payout is not None else None

    def _observe(self, payout: PayoutReply, reply: HttpReply) -> Observation | None:
        evidence = certainty.evidence_of(reply, provider_status=payout.status, provider_code=payout.failure_code)
        try:
            return observation_of(payout, self._exponents, evidence)
        except AmountInvalid:
            return None

    def _no_balance(self) -> RewardRailsError:
        return RewardRailsError(
            f"provider {self.name!r} did not tell its balance: try again later", code=ErrorCode.PROVIDER_UNAVAILABLE
        )


def _wire_destination(order: Order) -> WireDestination:
    destination = order.destination
    return WireDestination(kind=destination.kind, value=destination.value, memo=destination.memo)


def _not_canceled(line: Rejected | OutcomeUnknown) -> NotCancelable | OutcomeUnknown:
    """A request to cancel that certainly did nothing leaves the payout as it was."""
    return NotCancelable(code=line.code, evidence=line.evidence) if isinstance(line, Rejected) else line


def _paid_more_than_once(reference: Reference, reply: HttpReply) -> Observation:
    """Several payouts under one reference: nobody but a person can say which one counts."""
    return Observation(
        status=ObservedStatus.UNKNOWN,
        rail_key=reference.ref.rail_key,
        code=ErrorCode.DUPLICATE_CONFLICT,
        evidence=certainty.evidence_of(reply, message="The provider has several payouts under this reference."),
    )


def _error_detail(reply: HttpReply) -> ErrorDetail | None:
    if reply.status < certainty.FIRST_REFUSAL:
        return None
    answer = strict_json.try_decode(ERROR, reply.body)
    return answer.error if answer is not None else None


def _error_evidence(reply: HttpReply) -> Evidence:
    detail = _error_detail(reply)
    if detail is None:
        return certainty.evidence_of(reply)
    return certainty.evidence_of(reply, provider_code=detail.code, message=detail.message)
