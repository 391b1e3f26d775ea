"""The adapter for crypto exchanges: one withdrawal for each attempt, which is never asked for again after any doubt."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, OutcomeUnknown, Rejected, RejectionScope
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers import certainty
from rewardrails.providers.base import Checked, Reference
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.deadline import Deadline
from rewardrails.providers.exchange import checkup
from rewardrails.providers.exchange.client import Client, Told
from rewardrails.providers.exchange.history import History
from rewardrails.providers.exchange.library import Ask, Library, Signed, Unreadable
from rewardrails.providers.exchange.mapping import (
    at,
    client_id,
    code_of,
    evidence_of,
    number,
    refuse_destination,
    text_of,
    whole,
)
from rewardrails.providers.exchange.settings import (
    ExchangeSettings,
    address_of,
    capabilities_of,
    keys_of,
    row_of,
)
from rewardrails.providers.exchange.terms import TermsList
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.settings import read_settings

TERMS_SHARE = 0.4
"""Of a call's time, so that enough is left for the withdrawal itself."""
_FLEETING = frozenset({ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.PROVIDER_RATE_LIMITED, ErrorCode.PROVIDER_AUTH_FAILED})
_OF_THE_PROVIDER = _FLEETING | {ErrorCode.PROVIDER_IP_NOT_ALLOWED, ErrorCode.WITHDRAWALS_SUSPENDED}


class ExchangeProvider:
    """One account at one exchange. Supports balance, statement and check; a withdrawal cannot be called back."""

    def __init__(self, context: ProviderContext) -> None:
        settings = read_settings(context, ExchangeSettings)
        row = row_of(context, settings)
        base_url = address_of(context, settings, row)
        self.name = context.name
        self.capabilities = capabilities_of(context, settings, row)
        coins = {asset: settings.coins.get(asset, asset) for asset in settings.networks}
        library = Library(
            settings.exchange,
            row,
            provider=context.name,
            base_url=base_url,
            credentials=keys_of(context, row),
            coins=tuple(coins.values()),
        )
        self._http = context.http
        self._http.max_body_bytes = max(self._http.max_body_bytes, row.most_body_bytes)
        self._settings = settings
        self._client = Client(
            name=context.name,
            row=row,
            library=library,
            http=context.http,
            base_url=base_url,
            call_seconds=self.capabilities.call_timeout.total_seconds(),
            exponents={asset: context.assets[asset] for asset in settings.networks},
            chains=settings.networks,
            coins=coins,
        )
        self._terms = TermsList(self._client, seconds=settings.terms_seconds)
        self._history = History(self._client)

    async def quote(self, request: QuoteRequest) -> Quote:
        """The exchange's fee of now, in the asset itself; it pins none, so that it is looked at again before it is paid.

        Raises `DestinationInvalid`, and `RewardRailsError` where the exchange would not pay it out or asks for more than the
        configured fees allow.
        """
        amount = request.amount
        refuse_destination(request.destination, self._settings.needs_memo)
        ceiling = self.capabilities.fees.ceiling(amount.amount_minor, amount.asset)
        _, fee = await self._terms.fee(amount, ceiling, self._client.deadline(), above=ErrorCode.PROVIDER_REJECTED)
        ends = clock.now() + timedelta(seconds=self._settings.quote_ttl_seconds)
        return Quote(amount=amount, fee=fee, expires_at=ends)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """One request for a withdrawal, after it was seen to say what is ordered; the exchange may know the fee anew."""
        deadline = self._client.deadline()
        try:
            ask, signed = await self._written(order, deadline)
        except RewardRailsError as error:
            return _refused_here(error)
        except NeverSent as error:
            return certainty.of_error(error)
        except Unreadable as error:
            evidence = Evidence(provider_code="ccxt", message=str(error))
            return Rejected(code=ErrorCode.PROVIDER_REJECTED, retryable=False, evidence=evidence)
        try:
            reply = await self._client.send(signed, deadline)
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        return self._outcome(order, ask, self._client.told(ask, reply))

    async def sync(self, reference: Reference) -> SyncResult:
        """The list of withdrawals, by the exchange's name or by ours."""
        return await self._history.sync(reference)

    async def balance(self) -> Sequence[Money]:
        """What is free of the configured coins; raises `RewardRailsError`."""
        try:
            held = checkup.held(self._client, await checkup.ask_balance(self._client))
        except (NeverSent, MaybeSent, Unreadable) as error:
            raise self._no_balance() from error
        if held is None:
            raise self._no_balance()
        return held

    def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """The list of withdrawals of a time, whoever asked for them; raises `RewardRailsError`."""
        return self._history.pages(window)

    async def statement_names(self, references: Sequence[Reference]) -> Sequence[str]:
        """What each attempt is called at the exchange: the list says that, where it says a name of ours at all."""
        return [client_id(one.ref.rail_key) for one in references]

    async def check(self) -> Sequence[Checked]:
        """Ask what the key may do, from where, what is free, and whether the configured assets can leave."""
        return await checkup.check(self._client, self._terms)

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()

    async def _written(self, order: Order, deadline: Deadline) -> tuple[Ask, Signed]:
        """The request; raises `RewardRailsError` where it must not be made, and `Unreadable`."""
        client, wording = self._client, self._client.row.withdrawing
        destination, asset = order.destination, order.amount.asset
        refuse_destination(destination, self._settings.needs_memo)
        shared = Deadline(deadline.left(TERMS_SHARE))
        most = order.fee_ceiling.amount_minor
        terms, _ = await self._terms.fee(order.amount, most, shared, above=ErrorCode.QUOTE_EXPIRED)
        amount = whole(order.amount, client.exponents)
        told = text_of(amount + terms.fee if wording.fee_inside else amount)
        coin, chain, name = client.coins[asset], client.chains[asset], client_id(order.rail_key)
        tag = {"tag": destination.memo} if destination.memo else {}
        ask = Ask(
            method="withdraw",
            arguments=(coin, told, destination.value),
            params={**wording.given, wording.network: chain, wording.client_id: name, **tag},
        )
        address = destination.value
        apart = {wording.tag: destination.memo} if wording.tag and destination.memo else {}
        if destination.memo and wording.tag is None:
            address = f"{address}:{destination.memo}"
        wanted = {
            **wording.fixed,
            wording.coin: coin,
            wording.chain: chain,
            wording.address: address,
            wording.amount: told,
            wording.client_id: name,
            **apart,
        }
        return ask, client.library.withdrawal(ask, wording, wanted)

    def _outcome(self, order: Order, ask: Ask, told: Told) -> CreateOutcome:
        row, reply = self._client.row, told.reply
        evidence = evidence_of(row, reply, told.answer)
        refusal = row.refusals.get(code_of(row, told.answer))
        uncertain = certainty.of_status(
            reply, evidence, documented_auth_refusals=certainty.AUTH_STATUSES if refusal is not None else frozenset()
        )
        if uncertain is not None and not (refusal is not None and reply.status in certainty.AUTH_STATUSES):
            return uncertain
        if refusal is not None:
            return Rejected(
                code=refusal.code,
                retryable=refusal.retryable,
                scope=refusal.scope,
                retry_after_seconds=_wait(reply),
                evidence=evidence,
            )
        return self._taken(order, ask, told, evidence)

    def _taken(self, order: Order, ask: Ask, told: Told, evidence: Evidence) -> CreateOutcome:
        """What is no refusal: accepted if it is named, and contradicts nothing of what was sent."""
        row = self._client.row
        read = told.read if isinstance(told.read, dict) else {}
        name, info = at(told.answer, row.withdrawing.name), read.get("info") or {}
        if type(name) is not str or not name or read.get("id") != name:
            return OutcomeUnknown(evidence=evidence)
        echoed = info.get(row.history.client_id) if row.history.client_id else None
        amount = number(read["amount"]) if read.get("amount") is not None else None
        others = echoed and echoed != client_id(order.rail_key)
        if others or (amount is not None and amount != number(ask.arguments[1])):
            return OutcomeUnknown(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence)
        return Accepted(provider_reference=name, evidence=evidence)

    def _no_balance(self) -> RewardRailsError:
        return RewardRailsError(
            f"provider {self.name!r} did not tell its balance: try again later", code=ErrorCode.PROVIDER_UNAVAILABLE
        )


def _refused_here(error: RewardRailsError) -> Rejected:
    """Nothing that moves money was sent."""
    of_provider = error.code in _OF_THE_PROVIDER
    return Rejected(
        code=error.code,
        retryable=of_provider or error.code is ErrorCode.QUOTE_EXPIRED,
        scope=RejectionScope.PROVIDER if of_provider else RejectionScope.PAYOUT,
        evidence=Evidence(message=str(error)),
    )


def _wait(reply: HttpReply) -> float | None:
    return certainty.retry_after_seconds(reply, clock.now())
