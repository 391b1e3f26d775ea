"""Rows are refused for their first fault, and whole seasons come out as expected."""

import csv
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardrails.domain.assets import Asset
from rewardrails.domain.destination import Destination
from rewardrails.domain.reward import COLUMNS, KindRule, RewardRow, RowRules, validate_row
from rewardrails.errors import ErrorCode, FieldInvalid, RewardRailsError

DATA = Path(__file__).parents[2] / "data"
EXPONENTS = {"USD": 2, "EUR": 2, "ton:native": 9, "custodial:USDT": 6}
KINDS = {
    "email_gift": ("email", "USD"),
    "paypal_email": ("email", "EUR"),
    "ton_address": ("ton_address", "ton:native"),
    "telegram_user": ("telegram_user", "custodial:USDT"),
    "iban": ("iban", "EUR"),
    "exchange_address": ("exchange_address", "custodial:USDT"),
    "manual_note": ("note", "USD"),
}
RULES = RowRules(
    campaigns={"season-7": frozenset({"DE", "PL", "BR", "IN", "TR"})},
    assets={code: Asset(code=code, exponent=exponent, redeemable=True) for code, exponent in EXPONENTS.items()}
    | {"SEASON_POINTS": Asset(code="SEASON_POINTS", exponent=0, redeemable=False)},
    kinds={kind: KindRule(parser=parser, assets=frozenset({asset})) for kind, (parser, asset) in KINDS.items()},
    max_field_length=1000,
    network="mainnet",
)
GOOD = {
    "reward_id": "s7-00000001",
    "player_id": "telegram:42",
    "campaign": "season-7",
    "amount": "25.00",
    "asset": "USD",
    "jurisdiction": "DE",
    "destination_kind": "email_gift",
    "destination": "player1@example.com",
    "memo": "",
}
# One fault of each check, in the order in which they are looked for.
FAULTS: list[tuple[ErrorCode, dict[str, str]]] = [
    (ErrorCode.FIELD_INVALID, {"player_id": ""}),
    (ErrorCode.CAMPAIGN_UNKNOWN, {"campaign": "season-70"}),
    (ErrorCode.ASSET_UNSUPPORTED, {"asset": "DOGE2"}),
    (ErrorCode.ASSET_NOT_REDEEMABLE, {"asset": "SEASON_POINTS"}),
    (ErrorCode.AMOUNT_INVALID, {"amount": ""}),
    (ErrorCode.JURISDICTION_NOT_ALLOWED, {"jurisdiction": ""}),
    (ErrorCode.DESTINATION_UNSUPPORTED, {"destination_kind": "carrier_pigeon"}),
    (ErrorCode.DESTINATION_INVALID, {"destination": "not an address"}),
    (ErrorCode.ASSET_UNSUPPORTED, {"asset": "EUR"}),
]


def row(**changes: str) -> list[str]:
    return list((GOOD | changes).values())


def season(name: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    with (
        (DATA / f"{name}.csv").open(newline="", encoding="utf-8-sig", errors="surrogateescape") as rows,
        (DATA / f"{name}.expected.csv").open(newline="", encoding="utf-8") as expected,
    ):
        cells = csv.reader(rows)
        assert tuple(next(cells)) == COLUMNS
        yield from zip(cells, csv.DictReader(expected), strict=True)


def verdict(fields: list[str]) -> str:
    try:
        validate_row(fields, RULES)
    except RewardRailsError as error:
        return error.code.value
    return ""


@pytest.mark.parametrize("name", ["season-7", "season-8", "season-9"])
def test_every_row_of_a_season_gets_its_expected_verdict(name: str) -> None:
    wrong = []
    for fields, expected in season(name):
        # A reward that came before with other content is a valid row; only the ledger of rewards can refuse it.
        code = "" if expected["code"] == ErrorCode.IDEMPOTENCY_KEY_REUSED else expected["code"]
        if verdict(fields) != code:
            wrong.append((expected, verdict(fields)))
    assert wrong == []


def test_clean_row_comes_out_normalised() -> None:
    checked = validate_row(
        row(amount=" 25.00 ", jurisdiction="de", destination=" player1@EXAMPLE.com ", memo="\u00a0hello\u3000"), RULES
    )
    assert checked == RewardRow(
        campaign="season-7",
        reward_id="s7-00000001",
        player_id="telegram:42",
        amount_minor=2500,
        asset="USD",
        jurisdiction="DE",
        destination=Destination(kind="email_gift", value="player1@example.com", memo="hello"),
    )


@pytest.mark.parametrize(("earlier", "later"), list(itertools.combinations(range(len(FAULTS)), 2)))
def test_row_with_two_faults_is_refused_for_the_first(earlier: int, later: int) -> None:
    code, fault = FAULTS[earlier]
    assert verdict(row(**(FAULTS[later][1] | fault))) == code


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        *FAULTS,
        (ErrorCode.ASSET_UNSUPPORTED, {"asset": "GRAM"}),
        (ErrorCode.ASSET_UNSUPPORTED, {"asset": ""}),
        (ErrorCode.JURISDICTION_NOT_ALLOWED, {"jurisdiction": "KP"}),
        (ErrorCode.JURISDICTION_NOT_ALLOWED, {"jurisdiction": "XX"}),
        (ErrorCode.DESTINATION_INVALID, {"destination": "a@example.com\r\nBcc: b@example.com"}),
        (ErrorCode.FIELD_INVALID, {"player_id": "p" * 5000}),
        (ErrorCode.FIELD_INVALID, {"memo": "m" * 1001}),
        (ErrorCode.FIELD_INVALID, {"player_id": "a\x01b"}),
        (ErrorCode.FIELD_INVALID, {"player_id": "a\nb"}),
        (ErrorCode.FIELD_INVALID, {"player_id": "a\x9fb"}),
        (ErrorCode.FIELD_INVALID, {"player_id": "telegram:\udcff"}),
        (ErrorCode.FIELD_INVALID, {"memo": "a\x00b"}),
        (ErrorCode.FIELD_INVALID, {"destination": "a\x1fb"}),
        (ErrorCode.FIELD_INVALID, {"reward_id": ""}),
        (ErrorCode.FIELD_INVALID, {"reward_id": " \u00a0"}),
        (ErrorCode.FIELD_INVALID, {"campaign": ""}),
    ],
)
def test_refusal_names_the_field_at_fault(code: ErrorCode, changes: dict[str, str]) -> None:
    with pytest.raises(RewardRailsError) as caught:
        validate_row(row(**changes), RULES)
    assert caught.value.code is code
    assert caught.value.field == next(iter(changes))


@pytest.mark.parametrize("fields", [[], row()[:-3], [*row(), "surplus"]])
def test_wrong_number_of_columns_is_refused(fields: list[str]) -> None:
    with pytest.raises(FieldInvalid, match="columns"):
        validate_row(fields, RULES)


@pytest.mark.parametrize(
    "changes",
    [
        {"player_id": "p" * 1000},
        {"player_id": "😀player 李小龍"},
        {"memo": 'line one\nline two, "quoted"\tend'},
        {"memo": '=HYPERLINK("http://example.com")'},
        {"player_id": "p" * 900, "memo": "m" * 900},
    ],
)
def test_unusual_but_harmless_text_is_accepted(changes: dict[str, str]) -> None:
    assert verdict(row(**changes)) == ""


def test_kind_is_looked_at_before_whether_it_carries_the_asset() -> None:
    assert verdict(row(asset="EUR", destination_kind="paypal_email")) == ""
    assert verdict(row(asset="EUR")) == ErrorCode.ASSET_UNSUPPORTED


@given(st.lists(st.text(st.characters(exclude_categories=[])), min_size=9, max_size=9))
def test_no_text_at_all_breaks_the_check(fields: list[str]) -> None:
    with pytest.raises(RewardRailsError):
        validate_row(fields, RULES)


@pytest.mark.promise("G1")
def test_digest_is_the_same_for_every_spelling_of_one_reward() -> None:
    spellings = [row(), row(amount="25"), row(jurisdiction="de"), row(destination="player1@EXAMPLE.com")]
    assert len({validate_row(fields, RULES).content_digest() for fields in spellings}) == 1


@pytest.mark.promise("G1")
def test_digest_differs_for_every_difference() -> None:
    base = validate_row(row(), RULES)
    others = [
        replace(base, campaign="other"),
        replace(base, reward_id="other"),
        replace(base, player_id="other"),
        replace(base, amount_minor=1),
        replace(base, asset="other"),
        replace(base, jurisdiction="PL"),
        *[
            replace(base, destination=replace(base.destination, **{part: "other"}))
            for part in ("kind", "value", "memo")
        ],
        replace(base, reward_id=base.reward_id[:-1], player_id=base.reward_id[-1] + base.player_id),
    ]
    digests = {one.content_digest() for one in [base, *others]}
    assert len(digests) == len(others) + 1
    assert {len(digest) for digest in digests} == {32}
