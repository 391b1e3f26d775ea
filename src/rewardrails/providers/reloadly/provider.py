"""The adapter for Reloadly: one card for each attempt, whose code is handed over."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, OutcomeUnknown, Rejected, RejectionScope, Settled
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.errors import AmountInvalid, ErrorCode, RewardRailsError
from rewardrails.providers import certainty, checks, strict_json
from rewardrails.providers.base import Checked, Reference
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.deadline import Deadline
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.own_quote import own_quote
from rewardrails.providers.reloadly import wire
from rewardrails.providers.reloadly.catalogue import Catalogue, NotAsked
from rewardrails.providers.reloadly.mapping import (
    ALREADY_USED,
    REFUSALS,
    money_of,
    observation_of,
    value_of,
    whole_of,
)
from rewardrails.providers.reloadly.session import NoToken, Session
from rewardrails.providers.reloadly.settings import ADDRESSES, ReloadlySettings, capabilities_of, refuse_incomplete
from rewardrails.providers.reloadly.statement import PATH, pages
from rewardrails.providers.settings import base_url, credential, read_settings

# A token that Reloadly does not know buys nothing.
AUTH_REFUSALS = frozenset({401})
NO_ANSWER = (NoToken, NeverSent, MaybeSent)


class ReloadlyProvider:
    """One account at Reloadly. Supports balance, statement and check; it hands codes over, and takes nothing back."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, ReloadlySettings)
        refuse_incomplete(context, settings)
        self.name = context.name
        self.capabilities = capabilities_of(context, settings)
        self._settings = settings
        self._exponents = dict(context.assets)
        self._http = context.http
        self._base_url = base_url(context, settings.base_url or ADDRESSES[context.environment])
        self._session = Session(
            context.http,
            self._base_url,
            base_url(context, settings.token_url),
            audience=ADDRESSES[context.environment],
            client_id=credential(context, "client_id"),
            client_secret=credential(context, "client_secret"),
        )
        self._catalogue = Catalogue(settings.products, self._exponents, keep_seconds=settings.catalogue_seconds)

    async def quote(self, request: QuoteRequest) -> Quote:
        """Amount plus the most that the configured fee can be, if the product is sold for it; raises `RewardRailsError`."""
        try:
            await self._product(request, self._deadline())
        except (*NO_ANSWER, NotAsked) as error:
            raise RewardRailsError(
                f"provider {self.name!r} did not tell what it sells: try again later",
                code=error.code if isinstance(error, NotAsked | NoToken) else ErrorCode.PROVIDER_UNAVAILABLE,
            ) from error
        return own_quote(request, self.capabilities.fees, ttl_seconds=self._settings.quote_ttl_seconds)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """POST /orders for what the catalogue sells; a key that was used before is looked up, never called refused."""
        deadline = self._deadline()
        try:
            product = await self._product(order, deadline)
        except (*NO_ANSWER, NotAsked) as error:
            return _not_asked(error)
        except RewardRailsError as error:
            return Rejected(code=error.code, retryable=False, evidence=Evidence(message=error.message))
        try:
            reply = await self._session.call("POST", "/orders", deadline, body=self._encoded(order, product))
        except NoToken as error:
            return _not_asked(error)
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        return await self._judged(order, reply, deadline)

    async def sync(self, reference: Reference) -> SyncResult:
        """GET the report by our reference, and the code of what was sold."""
        deadline = self._deadline()
        found = await self._found(reference.ref.rail_key, deadline)
        is_sold = isinstance(found, Found) and found.observation.status is ObservedStatus.PAID
        if not isinstance(found, Found) or not is_sold or not reference.wants_value:
            return found
        seen = await self._with_value(found.observation, deadline)
        if seen.value is None:
            return CannotTell(code=ErrorCode.PROVIDER_UNAVAILABLE, evidence=seen.evidence)
        return Found(observation=seen)

    async def balance(self) -> Sequence[Money]:
        """What the account holds, if its currency is configured; raises `RewardRailsError`."""
        try:
            reply = await self._session.ask("/accounts/balance", self._deadline())
        except NO_ANSWER as error:
            raise self._no_balance() from error
        held = self._held(reply)
        if held is None:
            raise self._no_balance()
        return held

    def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """GET the report of a time, whoever ordered; raises `RewardRailsError`."""
        return pages(self.name, window, self._exponents, lambda path: self._session.ask(path, self._deadline()))

    async def check(self) -> Sequence[Checked]:
        """Ask for the balance and the allowed products: credentials, permissions, balance, clocks, catalogue."""
        try:
            reply = await self._session.ask("/accounts/balance", self._deadline())
            sold = [await self._check_product(number) for number in self._settings.products]
        except NoToken as error:
            return [_no_token(error)]
        except (NeverSent, MaybeSent) as error:
            return [checks.unreachable(self._base_url, error)]
        found = [*checks.answered(self._base_url, reply, permission="read the balance")]
        return [*found, *checks.holdings(self._held(reply) or [], self._exponents), *sold]

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    def _deadline(self) -> Deadline:
        return Deadline(self.capabilities.call_timeout.total_seconds())

    async def _product(self, asked: QuoteRequest | Order, deadline: Deadline) -> int:
        return await self._catalogue.product_for(
            asked.destination, asked.amount, lambda path: self._session.ask(path, deadline)
        )

    def _encoded(self, order: Order, product: int) -> bytes:
        return wire.ENCODER.encode(
            wire.NewOrder(
                product_id=product,
                quantity=1,
                unit_price=whole_of(order.amount, self._exponents),
                sender_name=self._settings.sender_name,
                custom_identifier=order.rail_key,
            )
        )

    async def _judged(self, order: Order, reply: HttpReply, deadline: Deadline) -> CreateOutcome:
        """What the answer to an order says."""
        problem = _problem(reply)
        evidence = _evidence(reply, problem)
        if problem is not None and problem.error_code == ALREADY_USED:
            return await self._duplicate(order, evidence, deadline)
        uncertain = certainty.of_status(reply, evidence, documented_auth_refusals=AUTH_REFUSALS)
        if uncertain is not None:
            return uncertain
        if reply.status < certainty.FIRST_REFUSAL:
            told = strict_json.try_decode(wire.TRANSACTION, reply.body)
            return await self._taken(order, told, reply, deadline)
        refusal = REFUSALS.get(problem.error_code) if problem is not None else None
        if refusal is None:
            return OutcomeUnknown(evidence=evidence)
        return Rejected(code=refusal.code, retryable=refusal.retryable, scope=refusal.scope, evidence=evidence)

    async def _taken(
        self, order: Order, told: wire.Transaction | None, reply: HttpReply, deadline: Deadline
    ) -> CreateOutcome:
        """A 2xx: Settled or Accepted if it is about this very order, unknown otherwise."""
        seen = self._observe(told, reply) if told is not None else None
        if told is None or seen is None:
            return OutcomeUnknown(evidence=certainty.evidence_of(reply))
        return await self._outcome(order, told, seen, deadline)

    async def _duplicate(self, order: Order, evidence: Evidence, deadline: Deadline) -> CreateOutcome:
        """There is an order under this key already: what it is says the report, and until it does nobody knows."""
        try:
            told, reply = await self._reported(order.rail_key, deadline)
        except NO_ANSWER:
            return OutcomeUnknown(evidence=evidence)
        seen = self._observe(told[0], reply) if told is not None and len(told) == 1 else None
        if not told or seen is None:
            return OutcomeUnknown(evidence=evidence)
        return await self._outcome(order, told[0], seen, deadline)

    async def _outcome(
        self, order: Order, told: wire.Transaction, seen: Observation, deadline: Deadline
    ) -> CreateOutcome:
        same = (seen.rail_key, seen.amount) == (order.rail_key, order.amount)
        if not same or str(told.product.product_id) != order.destination.value.strip().lstrip("0"):
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=seen.evidence)
        name = seen.provider_reference
        match seen.status:
            case ObservedStatus.PAID:
                seen = await self._with_value(seen, deadline)
                if seen.value is None:  # bought, and its code not told yet: asking brings it
                    return Accepted(provider_reference=name, evidence=seen.evidence)
                return Settled(provider_reference=name, fee=seen.fee, value=seen.value, evidence=seen.evidence)
            case ObservedStatus.PENDING | ObservedStatus.FAILED | ObservedStatus.RETURNED:
                return Accepted(provider_reference=name, evidence=seen.evidence)
            case _:
                return OutcomeUnknown(provider_reference=name, evidence=seen.evidence)

    async def _found(self, rail_key: str, deadline: Deadline) -> SyncResult:
        try:
            told, reply = await self._reported(rail_key, deadline)
        except NoToken as error:
            return CannotTell(code=error.code, evidence=error.evidence)
        except (NeverSent, MaybeSent) as error:
            return certainty.cannot_ask(error)
        if told is None:
            return certainty.cannot_tell(reply, _evidence(reply, _problem(reply)))
        if not told:
            return Absent(evidence=certainty.evidence_of(reply))
        seen = self._observe(told[0], reply) if len(told) == 1 else None
        return Found(observation=seen) if seen else certainty.cannot_tell(reply, certainty.evidence_of(reply))

    async def _reported(self, rail_key: str, deadline: Deadline) -> tuple[list[wire.Transaction] | None, HttpReply]:
        """What the report has under a key; None where the answer is not about that key alone."""
        reply = await self._session.ask(f"{PATH}?customIdentifier={rail_key}", deadline)
        report = strict_json.try_decode(wire.REPORT, reply.body) if reply.status == 200 else None
        if report is None or any(one.custom_identifier != rail_key for one in report.content):
            return None, reply
        return report.content, reply

    async def _with_value(self, seen: Observation, deadline: Deadline) -> Observation:
        """The same with the code that was bought, where it can be had. The answer that holds it is not kept."""
        try:
            reply = await self._session.ask(f"/orders/transactions/{seen.provider_reference}/cards", deadline)
        except NO_ANSWER:
            return seen
        cards = strict_json.try_decode(wire.CARDS, reply.body) if reply.status == 200 else None
        return seen if cards is None else replace(seen, value=value_of(cards))

    def _observe(self, told: wire.Transaction, reply: HttpReply) -> Observation | None:
        evidence = certainty.evidence_of(reply, provider_status=told.status)
        try:
            return observation_of(told, self._exponents, evidence)
        except AmountInvalid:
            return None

    def _held(self, reply: HttpReply) -> list[Money] | None:
        told = strict_json.try_decode(wire.BALANCE, reply.body) if reply.status == 200 else None
        if told is None:
            return None
        if told.currency_code not in self._exponents:
            return []
        try:
            return [money_of(told.balance, told.currency_code, self._exponents)]
        except AmountInvalid:
            return None

    async def _check_product(self, number: int) -> Checked:
        reply = await self._session.ask(f"/products/{number}", self._deadline())
        told = strict_json.try_decode(wire.PRODUCT, reply.body) if reply.status == 200 else None
        right = told is not None and told.product_id == number and told.recipient_currency_code in self._exponents
        return Checked(
            about=f"product {number}",
            is_right=right,
            found="sold" if right else f"not sold to this account in a configured currency ({reply.status})",
            do="" if right else "take it out of [settings] products, or configure its currency",
        )

    def _no_balance(self) -> RewardRailsError:
        return RewardRailsError(
            f"provider {self.name!r} did not tell its balance: try again later", code=ErrorCode.PROVIDER_UNAVAILABLE
        )


def _not_asked(error: NoToken | NeverSent | MaybeSent | NotAsked) -> Rejected:
    """Nothing was ordered: it failed before the order was sent."""
    match error:
        case NoToken():
            code, evidence = error.code, error.evidence
        case NotAsked():
            code, evidence = error.code, certainty.evidence_of(error.reply)
        case _:
            code, evidence = ErrorCode.PROVIDER_UNAVAILABLE, certainty.cannot_ask(error).evidence
    return Rejected(code=code, retryable=True, scope=RejectionScope.PROVIDER, evidence=evidence)


def _no_token(error: NoToken) -> Checked:
    return Checked(
        about="credentials",
        is_right=False,
        found=f"no token was given ({error.evidence.http_status or 'no answer'})",
        do="are client_id and client_secret those of this environment, whole and not revoked?",
    )


def _problem(reply: HttpReply) -> wire.Problem | None:
    return None if reply.status < certainty.FIRST_REFUSAL else strict_json.try_decode(wire.PROBLEM, reply.body)


def _evidence(reply: HttpReply, problem: wire.Problem | None) -> Evidence:
    if problem is None:
        return certainty.evidence_of(reply)
    return certainty.evidence_of(reply, provider_code=problem.error_code, message=problem.message)
