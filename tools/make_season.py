"""Write a season's reward list as a game would export it, with the mess that real exports carry.

usage: make_season.py ROWS OUT.csv [--seed N] [--clean]

Beside OUT.csv stands OUT.expected.csv: row (from 1), reward_id, verdict, code. A verdict is `accepted`, `replayed` (the
very same reward again) or `refused` with the stable code, under tests/data/season-7.rewardrails.toml. The same rows and
seed give the same bytes.
"""

import argparse
import base64
import binascii
import csv
import random  # noqa: TID251 - a seeded generator of samples, not a source of ids
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

Row = dict[str, str]
Line = tuple[Row, str, str]
"""A row, its verdict and its code."""
Spoiler = Callable[[Row, random.Random], None]

KINDS = {
    "email_gift": "USD",
    "paypal_email": "EUR",
    "ton_address": "ton:native",
    "telegram_user": "custodial:USDT",
    "iban": "EUR",
    "exchange_address": "custodial:USDT",
    "manual_note": "USD",
}
DECIMALS = {"USD": 2, "EUR": 2, "ton:native": 9, "custodial:USDT": 6}
JURISDICTIONS = ["DE", "PL", "BR", "IN", "TR"]
NAMES = ["Анна", "Łukasz", "María-José", "O'Neil", "李小龍", "Zoë", "Ümit", "Нико", "Renée", "😀player"]
BAD_BYTE = "\udcff"  # written as the single byte 0xff, which is not UTF-8
# Written into a row by a spoiler; they change the number of its cells and are no cells themselves.
MISSING_CELLS, EXTRA_CELL = "missing cells", "extra cell"


def ton_address(rng: random.Random, *, testnet: bool = False, bounceable: bool = False) -> str:
    """A random account in the user-friendly form."""
    tag = (0x11 if bounceable else 0x51) | (0x80 if testnet else 0)
    body = struct.pack(">Bb", tag, 0) + rng.randbytes(32)
    return base64.urlsafe_b64encode(body + struct.pack(">H", binascii.crc_hqx(body, 0))).decode()


def iban(rng: random.Random) -> str:
    """A random German account with right check digits."""
    account = f"{rng.randrange(10**8):08d}{rng.randrange(10**10):010d}"
    return f"DE{98 - int(f'{account}131400') % 97:02d}{account}"


def destination(kind: str, rng: random.Random, number: int) -> tuple[str, str]:
    """A good destination and memo."""
    match kind:
        case "email_gift" | "paypal_email":
            return f"player{number}@example.{rng.choice(['com', 'org', 'net'])}", ""
        case "ton_address":
            return ton_address(rng), ""
        case "telegram_user":
            return str(rng.randrange(10**8, 10**10)), ""
        case "iban":
            return iban(rng), f"{rng.choice(NAMES)} Example"
        case "exchange_address":
            return ton_address(rng, bounceable=True), str(rng.randrange(10**6))
        case _:
            return f"hand over at the finals, seat {number % 500}", ""


def amount(asset: str, rng: random.Random) -> str:
    """20 to 5000 units with all their decimals."""
    unit = 10 ** DECIMALS[asset]
    minor = rng.randrange(20 * unit, 5000 * unit)
    return f"{minor // unit}.{minor % unit:0{DECIMALS[asset]}d}"


def clean_row(number: int, rng: random.Random) -> Row:
    """A row without fault."""
    kind = list(KINDS)[number % len(KINDS)]
    target, memo = destination(kind, rng, number)
    return {
        "reward_id": f"s7-{number:08d}",
        "player_id": f"telegram:{rng.randrange(10**9)}",
        "campaign": "season-7",
        "amount": amount(KINDS[kind], rng),
        "asset": KINDS[kind],
        "jurisdiction": rng.choice(JURISDICTIONS),
        "destination_kind": kind,
        "destination": target,
        "memo": memo,
    }


def put(**fields: str) -> Spoiler:
    """Overwrite cells."""
    return lambda row, _: row.update(fields)


def put_destination(kind: str, make: Callable[[random.Random], str]) -> Spoiler:
    """Overwrite the destination, and what belongs to its kind."""
    return lambda row, rng: row.update(
        destination_kind=kind, asset=KINDS[kind], amount="25.00", memo="", destination=make(rng)
    )


def only_for(kind: str, change: Callable[[Row], Row]) -> Spoiler:
    """Change rows of one kind and leave the others alone."""
    return lambda row, _: row.update(change(row)) if row["destination_kind"] == kind else None


BAD_AMOUNTS = ["-5.00", "0", "0.00", "12,50", "1e3", "NaN", "Infinity", "", "+5", "1_000", "٣٠", "0x20"]
BAD_AMOUNTS += ["1" + "0" * 39, "25.0000000001"]
MESS: list[tuple[str, Spoiler]] = [
    *[("amount_invalid", put(amount=bad)) for bad in BAD_AMOUNTS],
    ("asset_unsupported", put(asset="DOGE2")),
    ("asset_unsupported", put(asset="GRAM")),
    ("asset_not_redeemable", put(asset="SEASON_POINTS", amount="100")),
    ("destination_invalid", put_destination("ton_address", lambda rng: ton_address(rng)[:-1] + "!")),
    ("destination_invalid", put_destination("ton_address", lambda rng: ton_address(rng, testnet=True))),
    ("destination_invalid", put_destination("ton_address", lambda rng: ton_address(rng)[:30])),
    ("destination_invalid", put_destination("iban", lambda _: "DE00370400440532013000")),
    ("destination_invalid", put_destination("paypal_email", lambda _: "not an address")),
    ("destination_invalid", put_destination("telegram_user", lambda _: "@username")),
    ("destination_invalid", put_destination("telegram_user", lambda _: "-1001234567890")),
    ("destination_invalid", put_destination("email_gift", lambda _: "a@example.com\r\nBcc: b@example.com")),
    ("destination_unsupported", put(destination_kind="carrier_pigeon")),
    ("jurisdiction_not_allowed", put(jurisdiction="KP")),
    ("jurisdiction_not_allowed", put(jurisdiction="XX")),
    ("jurisdiction_not_allowed", put(jurisdiction="")),
    ("field_invalid", put(player_id="")),
    ("field_invalid", put(player_id="p" * 5000)),
    ("field_invalid", put(player_id="a\x01b")),
    ("field_invalid", put(player_id="telegram:" + BAD_BYTE)),
    ("field_invalid", put(reward_id="")),
    ("field_invalid", put(**{MISSING_CELLS: "yes"})),
    ("field_invalid", put(**{EXTRA_CELL: "surplus"})),
    ("campaign_unknown", put(campaign="season-70")),
]
HARMLESS: list[Spoiler] = [
    lambda row, _: row.update(amount=f" {row['amount']} "),
    lambda row, _: row.update(jurisdiction=row["jurisdiction"].lower()),
    lambda row, _: (
        row.update(destination=f" {row['destination']}  ") if row["destination_kind"] != "manual_note" else None
    ),
    only_for("manual_note", lambda _: {"memo": '=HYPERLINK("http://example.com")'}),
    only_for("manual_note", lambda _: {"memo": 'line one\nline two, "quoted"'}),
    only_for("iban", lambda row: {"destination": in_fours(row["destination"]).lower()}),
]


def in_fours(text: str) -> str:
    """An account number as people write it."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def season(count: int, rng: random.Random) -> Iterator[Line]:
    """Rows with mess; repeats and corrections come at random distances, also far apart."""
    later: dict[int, list[Line]] = {}

    def again(number: int, line: Line) -> None:
        later.setdefault(number + rng.randrange(1, count), []).append(line)

    for number in range(count):
        row, verdict, code = clean_row(number, rng), "accepted", ""
        if rng.random() < 0.06:
            corrected = dict(row)
            code, spoil = rng.choice(MESS)
            spoil(row, rng)
            verdict = "refused"
            if row["reward_id"] and rng.random() < 0.2:
                again(number, (corrected, "accepted", ""))
        elif rng.random() < 0.05:
            rng.choice(HARMLESS)(row, rng)
        yield row, verdict, code
        if verdict == "accepted":
            if rng.random() < 0.01:
                again(number, (dict(row), "replayed", ""))
            if rng.random() < 0.005:
                again(number, (row | {"amount": "77.77"}, "refused", "idempotency_key_reused"))
        yield from later.pop(number, [])
    for number in sorted(later):
        yield from later[number]


def cells(row: Row) -> list[str]:
    """A row as it is written; some have too few cells, some too many."""
    values = [value for name, value in row.items() if name not in (MISSING_CELLS, EXTRA_CELL)]
    if MISSING_CELLS in row:
        return values[:-3]
    return [*values, row[EXTRA_CELL]] if EXTRA_CELL in row else values


def write(count: int, out: Path, *, seed: int = 7, clean: bool = False) -> None:
    """Write OUT.csv and OUT.expected.csv."""
    rng = random.Random(seed)
    lines = ((clean_row(number, rng), "accepted", "") for number in range(count)) if clean else season(count, rng)
    with (
        out.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
        out.with_suffix(".expected.csv").open("w", newline="", encoding="utf-8") as expected,
    ):
        file.write("" if clean else "\ufeff")
        rows = csv.writer(file, lineterminator="\n" if clean else "\r\n")
        verdicts = csv.writer(expected, lineterminator="\n")
        rows.writerow(clean_row(0, random.Random(0)))
        verdicts.writerow(["row", "reward_id", "verdict", "code"])
        for number, (row, verdict, code) in enumerate(lines, 1):
            rows.writerow(cells(row))
            verdicts.writerow([number, row["reward_id"], verdict, code])


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--clean", action="store_true", help="no mess at all")
    given = parser.parse_args()
    write(given.rows, given.out, seed=given.seed, clean=given.clean)


if __name__ == "__main__":
    main()
