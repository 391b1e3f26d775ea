"""A bank's statement as ISO 20022 camt.053: what left the account, payment by payment.

Read are versions 02 to 08 (`urn:iso:std:iso:20022:tech:xsd:camt.053.001.NN`). Source: https://www.iso20022.org, Bank-to-Customer
Statement. Money that came in is passed over, except what came back of a payment of ours.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from xml.etree import ElementTree as Xml

from rewardrails.domain.iban import canonical_iban
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementFile, StatementItem, Window
from rewardrails.errors import FileInvalid
from rewardrails.providers.manual.amounts import exact_money
from rewardrails.providers.manual.xml_safely import read_xml

VERSIONS = tuple(f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{number:02d}" for number in range(2, 9))
MAX_ITEMS = 500_000
NOT_PROVIDED = "NOTPROVIDED"
_root_tag = re.compile(r"\{([^}]*)\}Document").fullmatch
_STATUSES = {"BOOK": ObservedStatus.PAID, "PDNG": ObservedStatus.PENDING}


def read_camt053(data: bytes, exponents: Mapping[str, int], *, account: str = "") -> StatementFile:
    """Every payment out of the account (of `account` alone, an IBAN, where one is named), and the days the file covers.

    Raises `FileInvalid` for what is not such a file, is of another account, or holds an entry that cannot be read.
    """
    root = read_xml(data)
    found = _root_tag(root.tag)
    if found is None or found[1] not in VERSIONS:
        raise FileInvalid("the file is not a camt.053 statement of version 02 to 08: ask the bank for one of these")
    reader = _Reader(root, f"{{{found[1]}}}", exponents)
    return reader.read(account)


class _Reader:
    """One file."""

    def __init__(self, root: Xml.Element, namespace: str, exponents: Mapping[str, int]) -> None:
        self._root = root
        self._ns = namespace
        self._exponents = exponents
        self._alike: Counter[str] = Counter()

    def read(self, account: str) -> StatementFile:
        statements = self._all(self._root, "BkToCstmrStmt", "Stmt")
        if not statements:
            raise FileInvalid("the file holds no statement (no Stmt element)")
        for statement in statements:
            self._refuse_other(statement, account)
        items = [
            item for statement in statements for entry in self._all(statement, "Ntry") for item in self._items(entry)
        ]
        if len(items) > MAX_ITEMS:
            raise FileInvalid(f"the file holds more than {MAX_ITEMS} payments: split it by day")
        return StatementFile(covers=self._covers(statements), items=tuple(items))

    def _refuse_other(self, statement: Xml.Element, account: str) -> None:
        told = self._text(statement, "Acct", "Id", "IBAN").replace(" ", "").upper()
        if account and told != canonical_iban(account):
            raise FileInvalid("the statement is of another account than [settings] account says: bring that one's")

    def _items(self, entry: Xml.Element) -> Iterator[StatementItem]:
        """The payments of an entry: its details, one by one, or itself where the bank gives none."""
        status = _STATUSES.get(self._text(entry, "Sts", "Cd") or self._text(entry, "Sts"))
        if status is None:  # for information only, or one more word for the future
            return
        details = self._all(entry, "NtryDtls", "TxDtls")
        for detail in details or [entry]:
            item = self._item(entry, detail, status, is_only=len(details) <= 1)
            if item is not None:
                yield item

    def _item(
        self, entry: Xml.Element, detail: Xml.Element, status: ObservedStatus, *, is_only: bool
    ) -> StatementItem | None:
        reference = self._text(detail, "Refs", "EndToEndId")
        reference = "" if reference == NOT_PROVIDED else reference
        direction = self._text(detail, "CdtDbtInd") or self._text(entry, "CdtDbtInd")
        if direction not in {"CRDT", "DBIT"}:
            raise FileInvalid("an entry says neither CRDT nor DBIT: the file is damaged")
        if direction == "CRDT":
            if not reference or (detail.find(f"{self._ns}RtrInf") is None and self._text(entry, "RvslInd") != "true"):
                return None  # somebody paid us
            status = ObservedStatus.RETURNED
        told = self._amount(entry, detail, is_only=is_only)
        at = self._day(entry)
        alike = f"{at.date()}|{told}|{reference}|{direction}|{self._text(detail, 'Refs', 'AcctSvcrRef')}"
        self._alike[alike] += 1
        return StatementItem(
            item_id=sha256(f"{alike}|{self._alike[alike]}".encode()).hexdigest()[:32],
            reference=reference,
            amount=_money(told, self._exponents) if told else None,
            told=" ".join(told) if told else "",
            fee=self._fee(detail),
            status=status,
            provider_status=self._text(entry, "Sts", "Cd") or self._text(entry, "Sts"),
            at=at,
        )

    def _amount(self, entry: Xml.Element, detail: Xml.Element, *, is_only: bool) -> tuple[str, str] | None:
        """What was paid, of one payment: the details' own amount, or the entry's where it is the only one."""
        for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "InstdAmt", "Amt")):
            found = self._first(detail, *path)
            if found is not None:
                return _written(found)
        whole = self._first(entry, "Amt") if is_only else None
        return _written(whole) if whole is not None else None

    def _fee(self, detail: Xml.Element) -> Money | None:
        charges = self._first(detail, "Chrgs")
        if charges is None:
            return None
        total = self._first(charges, "TtlChrgsAndTaxAmt")
        each = self._all(charges, "Rcrd", "Amt") or self._all(charges, "Amt")
        amounts = [total] if total is not None else each
        money = [_money(_written(amount), self._exponents) for amount in amounts]
        if not money or any(one is None or money[0] is None or one.asset != money[0].asset for one in money):
            return None
        return Money(
            amount_minor=sum(one.amount_minor for one in money if one), asset=money[0].asset if money[0] else ""
        )

    def _covers(self, statements: Sequence[Xml.Element]) -> Window:
        """Whole days: those that the statements name, and those of their entries."""
        named = (("FrToDt", "FrDtTm"), ("FrToDt", "ToDtTm"))
        told = [self._text(statement, *path) for statement in statements for path in named]
        days = [_day_of(text) for text in told if text]
        days += [self._day(entry).date() for statement in statements for entry in self._all(statement, "Ntry")]
        if not days:
            made = [self._text(statement, "CreDtTm") for statement in statements]
            days = [_day_of(text) for text in made if text]
        if not days:
            raise FileInvalid("the file says nowhere which days it covers")
        return Window(start=_midnight(min(days)), end=_midnight(max(days)) + timedelta(days=1))

    def _day(self, entry: Xml.Element) -> datetime:
        for path in (("BookgDt", "Dt"), ("BookgDt", "DtTm"), ("ValDt", "Dt"), ("ValDt", "DtTm")):
            if text := self._text(entry, *path):
                return _midnight(_day_of(text))
        raise FileInvalid("an entry has neither booking nor value date: the file is damaged")

    def _first(self, element: Xml.Element, *path: str) -> Xml.Element | None:
        return element.find("/".join(f"{self._ns}{name}" for name in path))

    def _all(self, element: Xml.Element, *path: str) -> list[Xml.Element]:
        return element.findall("/".join(f"{self._ns}{name}" for name in path))

    def _text(self, element: Xml.Element, *path: str) -> str:
        found = self._first(element, *path)
        return (found.text or "").strip() if found is not None else ""


def _written(amount: Xml.Element) -> tuple[str, str]:
    return (amount.text or "").strip(), amount.get("Ccy", "")


def _money(told: tuple[str, str], exponents: Mapping[str, int]) -> Money | None:
    try:
        return exact_money(Decimal(told[0]), told[1], exponents)
    except InvalidOperation as error:
        raise FileInvalid("an amount is not a number: the file is damaged") from error


def _day_of(text: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        raise FileInvalid("a date is not one: the file is damaged") from error


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
