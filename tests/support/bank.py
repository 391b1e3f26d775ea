"""A bank of our own making: what its statements look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

OURS = "DE89370400440532013000"


@dataclass(frozen=True, kw_only=True)
class Booked:
    """One payment on a statement."""

    reference: str
    amount: str
    day: str
    currency: str = "EUR"
    direction: str = "DBIT"
    status: str = "BOOK"
    returned: bool = False
    charges: str = ""


def camt053(*booked: Booked, version: int = 8, account: str = OURS, days: tuple[str, str] | None = None) -> bytes:
    """A statement with one entry for each payment."""
    span = f"<FrToDt><FrDtTm>{days[0]}T00:00:00Z</FrDtTm><ToDtTm>{days[1]}T23:59:59Z</ToDtTm></FrToDt>" if days else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02d}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>m</MsgId><CreDtTm>2026-03-01T00:00:00Z</CreDtTm></GrpHdr><Stmt><Id>s</Id>{span}"
        f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>{''.join(_entry(one, version) for one in booked)}"
        f"</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _entry(one: Booked, version: int) -> str:
    status = f"<Cd>{one.status}</Cd>" if version >= 8 else one.status
    amount = f'<Amt Ccy="{one.currency}">{one.amount}</Amt>'
    own = (
        f"{amount}<CdtDbtInd>{one.direction}</CdtDbtInd>"
        if version >= 4
        else f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
    )
    came_back = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if one.returned else ""
    charged = f'<Amt Ccy="EUR">{one.charges}</Amt>'
    charges = (
        (f"<Chrgs><Rcrd>{charged}</Rcrd></Chrgs>" if version >= 4 else f"<Chrgs>{charged}</Chrgs>")
        if one.charges
        else ""
    )
    return (
        f"<Ntry>{amount}<CdtDbtInd>{one.direction}</CdtDbtInd><Sts>{status}</Sts><BookgDt><Dt>{one.day}</Dt></BookgDt>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{escape(one.reference)}</EndToEndId></Refs>{own}{charges}{came_back}"
        f"</TxDtls></NtryDtls></Ntry>"
    )


def csv_statement(rows: Sequence[tuple[str, str, str]]) -> bytes:
    """Date, text and amount as a German bank writes them, two lines of greeting first."""
    lines = ["Umsätze", "", "Buchungstag;Verwendungszweck;Betrag;Währung"]
    lines += [f"{day};{text};{amount};EUR" for day, text, amount in rows]
    return "\r\n".join(lines).encode("cp1252")
