"""The open queue as ISO 20022 pain.001.001.09, a customer credit transfer initiation that a bank takes as an upload.

One payment block, in euro, as SEPA credit transfers that are booked one by one, so that the statement shows each of them.
Source: EPC132-08, the SEPA customer-to-bank implementation guidelines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from xml.etree import ElementTree as Xml

import msgspec
from msgspec import Meta

from rewardrails.domain.assets import format_amount
from rewardrails.domain.iban import canonical_iban
from rewardrails.domain.order import Order
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.manual.sepa_text import sepa_text

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
EURO = "EUR"
CENTS = 2
MAX_MINOR = 99_999_999_999  # 999 999 999.99
MAX_REFERENCE = 35
MAX_REMITTANCE = 140


class Debtor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose account is debited; without `bic` the bank finds itself by the IBAN."""

    name: str
    iban: str
    bic: Annotated[str, Meta(pattern=r"^([A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?)?\Z")] = ""
    remittance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One credit transfer, checked: everything in it is as the bank takes it."""

    reference: str
    amount_minor: int
    name: str = field(repr=False)
    iban: str = field(repr=False)


def transfer_of(order: Order, *, exponent: int) -> Transfer:
    """An order as a credit transfer; the memo of an IBAN is the account holder's name.

    Raises `RewardRailsError` with the code that says why a bank would not take it.
    """
    if order.amount.asset != EURO or exponent != CENTS:
        raise RewardRailsError("a SEPA credit transfer is in euro and cents", code=ErrorCode.ASSET_UNSUPPORTED)
    if order.amount.amount_minor > MAX_MINOR:
        raise RewardRailsError("a SEPA credit transfer is below a billion", code=ErrorCode.AMOUNT_ABOVE_MAXIMUM)
    if len(order.rail_key) > MAX_REFERENCE:
        raise RewardRailsError(
            "the reference is longer than a bank takes: pay it by hand", code=ErrorCode.FIELD_INVALID
        )
    return Transfer(
        reference=order.rail_key,
        amount_minor=order.amount.amount_minor,
        name=sepa_text(order.destination.memo),
        iban=canonical_iban(order.destination.value),
    )


def pain001(transfers: Sequence[Transfer], debtor: Debtor, *, message_id: str, created: datetime) -> bytes:
    """The file; `message_id` (at most 35 letters) tells it from every other. `transfers` is not empty."""
    document = Xml.Element("Document", {"xmlns": NAMESPACE})
    initiation = Xml.SubElement(document, "CstmrCdtTrfInitn")
    total = _whole(sum(transfer.amount_minor for transfer in transfers))
    header = Xml.SubElement(initiation, "GrpHdr")
    _put(header, "MsgId", message_id)
    _put(header, "CreDtTm", created.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _put(header, "NbOfTxs", str(len(transfers)))
    _put(header, "CtrlSum", total)
    _put(header, "InitgPty/Nm", sepa_text(debtor.name))
    block = Xml.SubElement(initiation, "PmtInf")
    _put(block, "PmtInfId", message_id)
    _put(block, "PmtMtd", "TRF")
    _put(block, "BtchBookg", "false")
    _put(block, "NbOfTxs", str(len(transfers)))
    _put(block, "CtrlSum", total)
    _put(block, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _put(block, "ReqdExctnDt/Dt", created.strftime("%Y-%m-%d"))
    _put(block, "Dbtr/Nm", sepa_text(debtor.name))
    _put(block, "DbtrAcct/Id/IBAN", canonical_iban(debtor.iban))
    _put(
        block,
        *(("DbtrAgt/FinInstnId/BICFI", debtor.bic) if debtor.bic else ("DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")),
    )
    _put(block, "ChrgBr", "SLEV")
    for transfer in transfers:
        _add(block, transfer, debtor.remittance)
    written: bytes = Xml.tostring(document, encoding="utf-8", xml_declaration=True)
    return written


def _add(block: Xml.Element, transfer: Transfer, remittance: str) -> None:
    entry = Xml.SubElement(block, "CdtTrfTxInf")
    _put(entry, "PmtId/EndToEndId", transfer.reference)
    amount = Xml.SubElement(Xml.SubElement(entry, "Amt"), "InstdAmt", {"Ccy": EURO})
    amount.text = _whole(transfer.amount_minor)
    _put(entry, "Cdtr/Nm", transfer.name)
    _put(entry, "CdtrAcct/Id/IBAN", transfer.iban)
    if remittance:
        _put(entry, "RmtInf/Ustrd", sepa_text(remittance, longest=MAX_REMITTANCE))


def _put(parent: Xml.Element, path: str, text: str) -> None:
    element = parent
    for name in path.split("/"):
        element = Xml.SubElement(element, name)
    element.text = text


def _whole(amount_minor: int) -> str:
    return f"{Decimal(format_amount(amount_minor, CENTS)):.2f}"
