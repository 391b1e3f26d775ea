"""What a bank's statement says of money that left, in every version; what is hostile or damaged is refused."""

from datetime import UTC, datetime

import pytest

from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.errors import ConfigInvalid, FileInvalid
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext, SettingValue
from rewardrails.providers.http import HttpClient
from rewardrails.providers.manual.camt053 import read_camt053
from rewardrails.providers.manual.provider import ManualProvider
from tests.support.bank import OURS, Booked, camt053, csv_statement

KEY = f"{'0a' * 16}-1"
EUR = {"EUR": 2}
CSV: dict[str, SettingValue] = {
    "date": "Buchungstag",
    "date_format": "%d.%m.%Y",
    "amount": "Betrag",
    "reference": "Verwendungszweck",
    "currency": "Währung",
    "decimal": ",",
    "delimiter": ";",
    "encoding": "cp1252",
    "skip_lines": 2,
}


def manual(**settings: SettingValue) -> ManualProvider:
    return ManualProvider(
        ProviderContext(
            name="bank", environment=ProviderEnvironment.LIVE, assets=EUR, settings=settings, http=HttpClient()
        )
    )


@pytest.mark.parametrize("version", range(2, 9))
def test_every_version_says_the_same(version: int) -> None:
    data = camt053(Booked(reference=KEY, amount="12.50", day="2026-03-02", charges="0.15"), version=version)

    told = read_camt053(data, EUR)

    (item,) = told.items
    assert (item.reference, item.amount, item.fee) == (
        KEY,
        Money(amount_minor=1250, asset="EUR"),
        Money(amount_minor=15, asset="EUR"),
    )
    assert (item.status, item.at) == (ObservedStatus.PAID, datetime(2026, 3, 2, tzinfo=UTC))
    assert (told.covers.start.day, told.covers.end.day) == (2, 3)


@pytest.mark.parametrize("version", [1, 9, 13])
def test_a_version_that_nobody_has_read_is_refused(version: int) -> None:
    with pytest.raises(FileInvalid, match="02 to 08"):
        read_camt053(camt053(version=version), EUR)


def test_only_what_left_is_told_and_what_came_back_of_it() -> None:
    data = camt053(
        Booked(reference="rent", amount="900.00", day="2026-03-02", direction="CRDT"),
        Booked(reference=KEY, amount="5.00", day="2026-03-03", direction="CRDT", returned=True),
        Booked(reference="NOTPROVIDED", amount="7.00", day="2026-03-03", status="PDNG"),
        Booked(reference="", amount="8.00", day="2026-03-03", status="INFO"),
    )

    told = [(item.reference, item.status) for item in read_camt053(data, EUR).items]

    assert told == [(KEY, ObservedStatus.RETURNED), ("", ObservedStatus.PENDING)]


def test_equal_payments_are_two_and_the_same_ones_in_every_file() -> None:
    once = Booked(reference="", amount="5.00", day="2026-03-02")

    first = [item.item_id for item in read_camt053(camt053(once, once), EUR).items]
    again = [
        item.item_id
        for item in read_camt053(camt053(once, once, Booked(reference=KEY, amount="1.00", day="2026-03-03")), EUR).items
    ]

    assert len(set(first)) == 2
    assert again[:2] == first


def test_a_currency_that_is_not_configured_is_told_as_it_is_written() -> None:
    (item,) = read_camt053(camt053(Booked(reference=KEY, amount="5.00", day="2026-03-02", currency="CHF")), EUR).items

    assert (item.amount, item.told) == (None, "5.00 CHF")


def test_a_statement_of_another_account_is_refused() -> None:
    data = camt053(Booked(reference=KEY, amount="5.00", day="2026-03-02"), account="GB33BUKB20201555555555")

    with pytest.raises(FileInvalid, match="another account"):
        manual(account=OURS).read_statement(data)


ENTITIES = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/evil.dtd">'
FETCHING = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("declared", [ENTITIES, OUTSIDE, FETCHING])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_hostile_xml_is_refused_before_anything_is_expanded_or_fetched(declared: str, encoding: str) -> None:
    whole = camt053(Booked(reference="&b;", amount="5.00", day="2026-03-02")).decode().partition("?>")[2]
    data = f'<?xml version="1.0" encoding="{encoding}"?>{declared}{whole}'.encode(encoding)

    with pytest.raises(FileInvalid, match="document type"):
        manual().read_statement(data)


@pytest.mark.parametrize(
    "data",
    [
        b"<" + b"a>" * 3 + b"<",
        b"<a>" * 100_000,
        b"<Document/>",
        b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'/>",
        camt053(Booked(reference=KEY, amount="five", day="2026-03-02")),
        camt053(Booked(reference=KEY, amount="5.00", day="yesterday")),
        camt053(Booked(reference=KEY, amount="5.00", day="2026-03-02", direction="WHAT")),
        b"<?xml version='1.0' encoding='klingon'?><a/>",
    ],
)
def test_damaged_xml_is_refused_with_a_typed_error(data: bytes) -> None:
    with pytest.raises(FileInvalid):
        manual().read_statement(data)


def test_a_csv_is_read_as_the_configuration_says() -> None:
    data = csv_statement(
        [
            ("02.03.2026", f"SEPA UEBERWEISUNG EREF+{KEY.upper()} SEASON", "-1.234,50"),
            ("03.03.2026", "Gehalt", "100,00"),
            ("04.03.2026", "Strom", "-60,00"),
        ]
    )

    told = manual(csv=CSV).read_statement(data)

    assert [(item.reference, item.amount) for item in told.items] == [
        (KEY, Money(amount_minor=123_450, asset="EUR")),
        ("", Money(amount_minor=6_000, asset="EUR")),
    ]
    assert (told.covers.start.day, told.covers.end.day) == (2, 5)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (csv_statement([]), "no line"),
        (csv_statement([("02.03.2026", "x", "viel")]), "line 1: the amount"),
        (csv_statement([("2026-03-02", "x", "-1,00")]), "line 1: the date"),
        (csv_statement([("02.03.2026", "x", "NaN")]), "line 1: the amount"),
        (b"a\r\nb\r\nBuchungstag;Betrag\r\n", "no column 'Verwendungszweck', 'W"),
        (b"\x81\x8d", "cp1252"),
    ],
)
def test_a_csv_that_is_not_as_configured_is_refused_with_the_line(data: bytes, why: str) -> None:
    with pytest.raises(FileInvalid, match=why):
        manual(csv=CSV).read_statement(data)


def test_a_csv_without_columns_in_the_settings_is_refused() -> None:
    with pytest.raises(FileInvalid, match=r"settings\.csv"):
        manual().read_statement(csv_statement([]))


@pytest.mark.parametrize(
    "settings",
    [
        {"account": "DE00"},
        {"csv": {**CSV, "currency": ""}},
        {"csv": {**CSV, "asset": "EUR"}},
        {"csv": {**CSV, "delimiter": ";;"}},
        {"bank_file": {"name": "Игры", "iban": OURS}},
        {"bank_file": {"name": "Games", "iban": "DE1"}},
        {"bank_file": {"name": "Games", "iban": OURS, "bic": "<x/>"}},
        {"csv": {"date": "a"}},
    ],
)
def test_settings_that_no_bank_would_take_stop_the_start(settings: dict[str, SettingValue]) -> None:
    with pytest.raises(ConfigInvalid):
        manual(**settings)
