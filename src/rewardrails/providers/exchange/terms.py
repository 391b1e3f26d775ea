"""What the exchange asks for a withdrawal at the moment: its fee, bounds, and whether it pays out at all."""

from rewardrails import clock
from rewardrails.domain.money import Money
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.deadline import Deadline
from rewardrails.providers.exchange.client import Client
from rewardrails.providers.exchange.library import Ask, Unreadable
from rewardrails.providers.exchange.mapping import Terms, code_of, refuse_amount, round_up, terms_of, whole
from rewardrails.providers.http import MaybeSent, NeverSent


class TermsList:
    """Remembers what was told for a few seconds, so that a season does not ask for each payout."""

    def __init__(self, client: Client, *, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._known: dict[str, tuple[float, Terms]] = {}

    async def of(self, asset: str, deadline: Deadline) -> Terms:
        """The terms of an asset over its chain; raises `RewardRailsError`."""
        at, known = self._known.get(asset, (0.0, None))
        if known is not None and clock.monotonic() - at < self._seconds:
            return known
        terms = await self._ask(asset, deadline)
        self._known[asset] = (clock.monotonic(), terms)
        return terms

    async def fee(self, amount: Money, ceiling: int, deadline: Deadline, *, above: ErrorCode) -> tuple[Terms, Money]:
        """The terms, and the fee in smallest units.

        Raises `RewardRailsError` where it cannot be paid out so, with the code `above` for a fee above the ceiling.
        """
        client = self._client
        terms = await self.of(amount.asset, deadline)
        refuse_amount(whole(amount, client.exponents), terms, client.row.title)
        fee = round_up(terms.fee, amount.asset, client.exponents)
        if fee.amount_minor > ceiling:
            raise RewardRailsError(
                f"{client.row.title} charges more than the configured fees allow: raise providers.{client.name}.fees",
                code=above,
            )
        return terms, fee

    async def _ask(self, asset: str, deadline: Deadline) -> Terms:
        client, row = self._client, self._client.row
        chain = client.chains.get(asset)
        if chain is None:
            raise RewardRailsError(
                f"provider {client.name!r} has no network for {asset}: add it to its settings",
                code=ErrorCode.ASSET_UNSUPPORTED,
            )
        coin = client.coins[asset]
        try:
            told = await client.ask(
                Ask(method="fetch_currencies", params={row.coins_by: coin} if row.coins_by else {}), deadline
            )
        except (NeverSent, MaybeSent, Unreadable) as error:
            raise self._not_told() from error
        if not isinstance(told.read, dict):
            refusal = row.refusals.get(code_of(row, told.answer))
            raise self._not_told(refusal.code if refusal is not None else ErrorCode.PROVIDER_UNAVAILABLE)
        terms = terms_of(row, chain, told.read.get(coin))
        if terms is None:
            raise RewardRailsError(
                f"{row.title} tells no fixed fee for {coin} over {chain!r}: is the network's name the exchange's own?",
                code=ErrorCode.ASSET_UNSUPPORTED,
            )
        return terms

    def _not_told(self, code: ErrorCode = ErrorCode.PROVIDER_UNAVAILABLE) -> RewardRailsError:
        return RewardRailsError(f"provider {self._client.name!r} did not tell its fees: try again later", code=code)
