"""What Reloadly sells: whether a product may be worth an amount, asked before an order is made."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from rewardrails import clock
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.errors import AmountInvalid, DestinationInvalid, ErrorCode, RewardRailsError
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.reloadly.mapping import whole_of
from rewardrails.providers.reloadly.wire import PRODUCT, Product

FIXED, RANGE = "FIXED", "RANGE"
MOST_DIGITS_OF_A_NUMBER = 18
KEPT = 1000
NOT_FOUND = 404
Ask = Callable[[str], Awaitable[HttpReply]]


class NotAsked(Exception):
    """The catalogue gave no answer that could be used; nothing was bought."""

    def __init__(self, code: ErrorCode, reply: HttpReply) -> None:
        super().__init__(f"no product: {code}")
        self.code = code
        self.reply = reply


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    product: Product
    until: float


class Catalogue:
    """Products by number, each remembered for a while."""

    def __init__(self, allowed: Collection[int], exponents: Mapping[str, int], *, keep_seconds: float) -> None:
        self._allowed = frozenset(allowed)
        self._exponents = exponents
        self._keep_seconds = keep_seconds
        self._kept: dict[int, _Kept] = {}

    async def product_for(self, destination: Destination, amount: Money, ask: Ask) -> int:
        """The product's number, if it is sold for this amount; `ask` fetches a path.

        Raises `DestinationInvalid`, `AmountInvalid` and other `RewardRailsError` for what is not sold, `NotAsked`, and what
        `ask` raises.
        """
        number = self._number(destination)
        product = await self._product(number, ask)
        if product.product_id != number or product.status != "ACTIVE":
            raise RewardRailsError(
                "this product is not sold now: choose another one", code=ErrorCode.DESTINATION_INVALID
            )
        if product.recipient_currency_code != amount.asset or amount.asset not in self._exponents:
            raise RewardRailsError(
                f"this product is worth {product.recipient_currency_code}, not {amount.asset}: choose another one",
                code=ErrorCode.ASSET_UNSUPPORTED,
            )
        refuse_unsold(product, whole_of(amount, self._exponents))
        return number

    def _number(self, destination: Destination) -> int:
        text = destination.value.strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS_OF_A_NUMBER and int(text) > 0
        if not is_number or (self._allowed and int(text) not in self._allowed):
            raise DestinationInvalid(
                "the destination is the number of a product that may be bought: see [settings] products",
                field="destination",
            )
        return int(text)

    async def _product(self, number: int, ask: Ask) -> Product:
        known = self._kept.get(number)
        if known is not None and known.until > clock.monotonic():
            return known.product
        reply = await ask(f"/products/{number}")
        if reply.status == NOT_FOUND:
            raise RewardRailsError("there is no such product: choose another one", code=ErrorCode.DESTINATION_INVALID)
        product = strict_json.try_decode(PRODUCT, reply.body) if reply.status == 200 else None
        if product is None:
            code = certainty.cannot_tell(reply, certainty.evidence_of(reply)).code
            unsaid = code is ErrorCode.OUTCOME_UNKNOWN
            raise NotAsked(ErrorCode.PROVIDER_UNAVAILABLE if unsaid else code, reply)
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[number] = _Kept(product=product, until=clock.monotonic() + self._keep_seconds)
        return product


def refuse_unsold(product: Product, whole: Decimal) -> None:
    """Raise a typed refusal for an amount that the product is not sold for; exact, no denomination is rounded to."""
    if product.denomination_type == FIXED:
        sold = sorted(product.fixed_recipient_denominations or ())
        if whole not in sold:
            shown = ", ".join(format(one, "f") for one in sold[:20]) or "nothing"
            raise AmountInvalid(f"this product is sold for {shown}, not {whole:f}: choose one of them", field="amount")
        return
    low, high = product.min_recipient_denomination, product.max_recipient_denomination
    if product.denomination_type != RANGE or low is None or high is None:
        raise AmountInvalid(
            "the provider does not say what this product may be worth: choose another one", field="amount"
        )
    if whole < low:
        raise RewardRailsError(f"this product is worth {low:f} at least", code=ErrorCode.AMOUNT_BELOW_MINIMUM)
    if whole > high:
        raise RewardRailsError(f"this product is worth {high:f} at most", code=ErrorCode.AMOUNT_ABOVE_MAXIMUM)
