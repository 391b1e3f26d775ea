"""The file for a bank: its structure, exact amounts, sums and letters."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from xml.etree import ElementTree as Xml

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.errors import ConfigInvalid, DestinationInvalid, ErrorCode, RewardRailsError
from rewardrails.providers.manual.pain001 import NAMESPACE, Debtor, pain001, transfer_of
from rewardrails.providers.manual.sepa_text import sepa_text
from tests.support.bank import OURS
from tests.unit.providers.test_bank_statements import manual

NS = {"p": NAMESPACE}
NOW = datetime(2026, 3, 2, 12, 30, 5, tzinfo=UTC)
PLAYER = "FR1420041010050500013M02606"
DEBTOR = Debtor(name="Spiele & Söhne", iban=OURS, bic="COBADEFFXXX", remittance="Season 7")
# What the schema demands, in its order; what is in brackets may be left out.
TOP = ["GrpHdr", "PmtInf"]
HEADER = ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"]
BLOCK = [
    "PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "ChrgBr",
]  # fmt: skip
ENTRY = ["PmtId", "Amt", "Cdtr", "CdtrAcct", "RmtInf"]


def order(
    number: int = 1, *, minor: int = 1250, name: str = "Zoë Müller", asset: str = "EUR", attempt_no: int = 1
) -> Order:
    money = Money(amount_minor=minor, asset=asset)
    return Order(
        ref=AttemptRef(payout_id=UUID(int=number), attempt_no=attempt_no),
        amount=money,
        destination=Destination(kind="iban", value=PLAYER, memo=name),
        player_id="player-1",
        campaign="season",
        jurisdiction="FR",
        fee_ceiling=Money(amount_minor=0, asset=asset),
    )


def written(*orders: Order) -> Xml.Element:
    transfers = [transfer_of(one, exponent=2) for one in orders]
    return Xml.fromstring(pain001(transfers, DEBTOR, message_id="f" * 32, created=NOW))


def names(element: Xml.Element | None) -> list[str]:
    assert element is not None
    return [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]


def texts(root: Xml.Element, path: str) -> list[str | None]:
    return [found.text for found in root.iterfind(f".//{path}", NS)]


def test_the_elements_stand_in_the_order_of_the_schema() -> None:
    root = written(order(1), order(2))

    assert root.tag == f"{{{NAMESPACE}}}Document"
    initiation = root.find("p:CstmrCdtTrfInitn", NS)
    assert names(initiation) == TOP
    assert names(root.find(".//p:GrpHdr", NS)) == HEADER
    assert names(root.find(".//p:PmtInf", NS)) == [*BLOCK, "CdtTrfTxInf", "CdtTrfTxInf"]
    assert [names(entry) for entry in root.iterfind(".//p:CdtTrfTxInf", NS)] == [ENTRY, ENTRY]


def test_amounts_are_exact_and_sums_and_counts_are_those_of_the_entries() -> None:
    root = written(*(order(number, minor=minor) for number, minor in enumerate([1, 10, 99_999_999_999, 1250], 1)))

    amounts = texts(root, "p:InstdAmt")
    assert amounts == ["0.01", "0.10", "999999999.99", "12.50"]
    total = str(sum(Decimal(amount or "") for amount in amounts))
    assert texts(root, "p:CtrlSum") == [total, total] == ["1000000012.60", "1000000012.60"]
    assert texts(root, "p:NbOfTxs") == ["4", "4"]
    assert {found.get("Ccy") for found in root.iterfind(".//p:InstdAmt", NS)} == {"EUR"}


def test_a_payment_carries_our_own_reference_and_nothing_of_the_player_but_name_and_account() -> None:
    root = written(order(7))

    assert texts(root, "p:EndToEndId") == [order(7).rail_key]
    assert len(order(7).rail_key) <= 35
    assert (texts(root, "p:Cdtr/p:Nm"), texts(root, "p:CdtrAcct/p:Id/p:IBAN")) == (["Zoe Muller"], [PLAYER])
    assert (texts(root, "p:Dbtr/p:Nm"), texts(root, "p:DbtrAcct/p:Id/p:IBAN")) == (["Spiele + Sohne"], [OURS])
    assert texts(root, "p:ReqdExctnDt/p:Dt") == ["2026-03-02"]
    assert texts(root, "p:CreDtTm") == ["2026-03-02T12:30:05Z"]
    assert "player-1" not in Xml.tostring(root, encoding="unicode")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Zoë Müller", "Zoe Muller"),
        ("Łukasz  Straße-Ørsted", "Lukasz Strasse-Orsted"),
        ("O\u2019Neil (jr.) & co", "O'Neil (jr.) + co"),
        ("Þór Đoković", "THor Dokovic"),
    ],
)
def test_accents_fall(name: str, plain: str) -> None:
    assert sepa_text(name) == plain


@pytest.mark.parametrize(
    "name", ["", "   ", "Иван", "山田", "a<b", "x" * 71, "//a", "/a", "a/", "\U0001f600", "a\nb;c"]
)
def test_a_name_that_no_bank_takes_is_refused_and_never_cut(name: str) -> None:
    with pytest.raises(DestinationInvalid) as refused:
        sepa_text(name)
    assert name.strip() == "" or name not in str(refused.value)


def test_whatever_is_let_through_is_in_the_alphabet(trials) -> None:
    trials(0x3000)
    for point in range(0x3000):
        try:
            found = sepa_text(f"a{chr(point)}b")
        except DestinationInvalid:
            continue
        assert re.fullmatch(r"[A-Za-z0-9/\-?:().,'+ ]+", found)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (order(asset="USD"), ErrorCode.ASSET_UNSUPPORTED),
        (order(minor=100_000_000_000), ErrorCode.AMOUNT_ABOVE_MAXIMUM),
        (order(attempt_no=1000), ErrorCode.FIELD_INVALID),
        (order(name="Иван"), ErrorCode.DESTINATION_INVALID),
    ],
)
def test_what_a_bank_would_not_take_is_refused_with_a_code(asked: Order, code: ErrorCode) -> None:
    with pytest.raises(RewardRailsError) as refused:
        transfer_of(asked, exponent=2)
    assert refused.value.code is code


def test_without_an_account_to_pay_from_there_is_no_file() -> None:
    with pytest.raises(ConfigInvalid):
        manual().bank_file([order()], message_id="m", created=NOW)
