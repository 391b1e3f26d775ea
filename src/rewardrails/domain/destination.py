"""Where a payout goes: read once, normalised, and never shown whole by accident."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from email_validator import EmailNotValidError, validate_email

from rewardrails.domain.iban import canonical_iban
from rewardrails.domain.text import find_control, find_control_in_free_text
from rewardrails.domain.ton_address import canonical_ton_address
from rewardrails.errors import ConfigInvalid, DestinationInvalid

_MAX_TELEGRAM_ID = 2**52
_SHOWN = 4
ERASED = "erased"
"""What stands in place of a destination whose player was erased; no parser reads it as one."""
_hex_key = re.compile(r"[0-9A-Fa-f]{64}").fullmatch
_telegram_id = re.compile(r"[1-9][0-9]{0,15}").fullmatch
# The common form only; `email-validator` judges everything else.
_common_email = re.compile(
    r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24})"
).fullmatch
_MAX_LOCAL, _MAX_EMAIL = 64, 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A normalised destination of one configured kind; value and memo are personal data and stay out of repr."""

    kind: str
    value: str = field(repr=False)
    memo: str = field(default="", repr=False)

    def masked(self) -> str:
        """Enough for its owner to know it again, too little for anybody else to use."""
        if self.value == ERASED:
            return ERASED
        local, at, domain = self.value.rpartition("@")
        if at and " " not in self.value:
            return f"{local[:1]}***@{domain}"
        if len(self.value) < 2 * _SHOWN or not self.value.isascii() or " " in self.value:
            return "***"
        start = self.value[:_SHOWN] if len(self.value) > 4 * _SHOWN else ""
        return f"{start}***{self.value[-_SHOWN:]}"

    def address(self) -> str:
        """What one address has in common however it is spelt: the case of an e-mail address never tells two people apart."""
        return self.value.lower() if "@" in self.value else self.value


Parser = Callable[[str, str], str]
"""Text and network to the canonical value; raises `DestinationInvalid`."""


def parse_destination(parser: str, *, kind: str, text: str, memo: str, network: str) -> Destination:
    """Read `text` with the parser of that name (a key of `PARSERS`); equal destinations come out as equal values.

    Raises `DestinationInvalid`, or `ConfigInvalid` when no parser is called so.
    """
    read = PARSERS.get(parser)
    if read is None:
        raise ConfigInvalid(
            f"no destination parser is called {parser!r}; there are {', '.join(PARSERS)}", field="parser"
        )
    value = read(text.strip(" "), network)
    tag = memo.strip(" ")
    if not tag.isprintable() and (find_control if parser == "exchange_address" else find_control_in_free_text)(tag):
        raise DestinationInvalid("the memo holds a control character", field="memo")
    return Destination(kind=kind, value=value, memo=tag)


def _email(text: str, network: str) -> str:
    if len(text) > _MAX_EMAIL:  # before anything looks at it: some checks take long over long texts
        raise _invalid("the e-mail address is too long")
    common = _common_email(text)
    if common and len(common[1]) <= _MAX_LOCAL:
        return f"{common[1]}@{common[2].lower()}"
    if find_control(text):
        raise _invalid("the e-mail address holds a control character")
    try:
        checked = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise _invalid("the e-mail address is malformed") from None  # the library's words may quote the address
    address: str = checked.ascii_email or checked.normalized
    return address


def _telegram_user(text: str, network: str) -> str:
    if not _telegram_id(text) or int(text) > _MAX_TELEGRAM_ID:
        raise _invalid("the Telegram user is not a positive numeric id; names and chats cannot be paid")
    return text


def _iban(text: str, network: str) -> str:
    return canonical_iban(text)


def _ed25519_key(text: str, network: str) -> str:
    if not _hex_key(text):
        raise _invalid("the key is not 64 hex digits")
    return text.lower()


def _note(text: str, network: str) -> str:
    if not text or text.isspace():
        raise _invalid("the note is empty")
    if find_control_in_free_text(text):
        raise _invalid("the note holds a control character or bytes that are not UTF-8")
    return text


def _invalid(message: str) -> DestinationInvalid:
    return DestinationInvalid(message, field="destination")


def canonical_forms(text: str, network: str) -> frozenset[str]:
    """Every value that a destination written so may have here; what no strict parser can read stands for itself."""
    forms = {text}
    for name, read in PARSERS.items():
        if name != "note":
            with suppress(DestinationInvalid):
                forms.add(read(text, network))
    return frozenset(forms)


CHAIN_PARSERS = frozenset({"ton_address", "exchange_address"})
"""Parsers of what is a place on a blockchain, whatever rail pays it."""
PARSERS: Mapping[str, Parser] = MappingProxyType(
    {
        "email": _email,
        "ton_address": canonical_ton_address,
        "telegram_user": _telegram_user,
        "iban": _iban,
        "ed25519_key": _ed25519_key,
        # Equal accounts must be equal here too; the exchange tells its customers apart by the memo.
        "exchange_address": canonical_ton_address,
        "note": _note,
    }
)
