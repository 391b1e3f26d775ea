"""What the intake tests read: rules, rows, and files served in pieces."""

from collections.abc import AsyncIterator, Iterable, Sequence

from rewardrails.domain.assets import Asset
from rewardrails.domain.reward import COLUMNS, KindRule, RowRules
from rewardrails.intake.reader import Chunk, FileFormat, StagedRow, read_rows

_KINDS = {
    "email_gift": ("email", "USD"),
    "paypal_email": ("email", "EUR"),
    "ton_address": ("ton_address", "ton:native"),
    "telegram_user": ("telegram_user", "custodial:USDT"),
    "iban": ("iban", "EUR"),
    "exchange_address": ("exchange_address", "custodial:USDT"),
    "manual_note": ("note", "USD"),
}
_EXPONENTS = {"USD": 2, "EUR": 2, "ton:native": 9, "custodial:USDT": 6}
RULES = RowRules(
    campaigns={"season-7": frozenset({"DE", "PL", "BR", "IN", "TR"})},
    assets={code: Asset(code=code, exponent=exponent, redeemable=True) for code, exponent in _EXPONENTS.items()}
    | {"SEASON_POINTS": Asset(code="SEASON_POINTS", exponent=0, redeemable=False)},
    kinds={kind: KindRule(parser=parser, assets=frozenset({asset})) for kind, (parser, asset) in _KINDS.items()},
    max_field_length=1000,
    network="mainnet",
)
HEADER = ",".join(COLUMNS).encode() + b"\n"


def cells(number: int, **changes: str) -> dict[str, str]:
    """A reward that is accepted, unless the changes spoil it."""
    return {
        "reward_id": f"r-{number}",
        "player_id": f"player:{number}",
        "campaign": "season-7",
        "amount": "25.00",
        "asset": "USD",
        "jurisdiction": "DE",
        "destination_kind": "manual_note",
        "destination": "at the finals",
        "memo": "",
    } | changes


def line(number: int, **changes: str) -> bytes:
    """The same as a CSV line; the changes are written as they are, so they bring their own quotes."""
    return ",".join(cells(number, **changes).values()).encode("utf-8", "surrogateescape") + b"\n"


async def served(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Pieces as an upload delivers them."""
    for piece in pieces:
        yield piece


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """`data` cut at these offsets."""
    ends = sorted(min(place, len(data)) for place in places)
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


async def chunks_of(data: bytes | list[bytes], file_format: FileFormat, chunk_rows: int = 5000) -> list[Chunk]:
    """Every chunk of a file."""
    pieces = [data] if isinstance(data, bytes) else data
    return [chunk async for chunk in read_rows(served(pieces), file_format, RULES, chunk_rows=chunk_rows)]


async def rows_of(data: bytes, file_format: FileFormat) -> list[StagedRow]:
    """Every row of a file."""
    return [row for chunk in await chunks_of(data, file_format) for row in chunk.rows]


def refused(rows: Iterable[StagedRow]) -> list[tuple[int, str, str]]:
    """Number, code and field of the refused rows."""
    return [(row.row_no, row.refusal.code.value, row.refusal.field) for row in rows if row.refusal]
