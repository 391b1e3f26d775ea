"""Files of destinations that may not, or only may, be paid: plain text, and the XML in which OFAC publishes its lists."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from xml.etree import ElementTree as Xml

from rewardrails.errors import FieldInvalid

MAX_BYTES = 256 * 1024 * 1024
_CRYPTO = re.compile(r"Digital Currency Address\b").match
_COMMENT = re.compile(r"(?:^|\s)#.*")
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE).search


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """What a file holds: destinations as written, its SHA-256 (32 bytes), and its date where it says one."""

    entries: tuple[str, ...]
    sha256: bytes
    dated: datetime | None


def read_list(data: bytes) -> ListFile:
    """Read a list in either format. Raises `FieldInvalid` for what is neither, is too long, or holds nothing at all."""
    if len(data) > MAX_BYTES:
        raise FieldInvalid(f"the list is longer than {MAX_BYTES} bytes", field="file")
    is_xml = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    dated, entries = _xml(data) if is_xml else (None, tuple(_plain(data)))
    if not entries:
        raise FieldInvalid("the list holds no destination: an empty file would let everything through", field="file")
    return ListFile(entries=entries, sha256=sha256(data).digest(), dated=dated)


def _plain(data: bytes) -> Iterator[str]:
    """One destination a line; `#` at its start or behind a blank begins a comment, for it may stand in an address."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FieldInvalid("the list is not UTF-8 text", field="file") from None
    for line in text.splitlines():
        if entry := _COMMENT.sub("", line).strip():
            yield entry


def _xml(data: bytes) -> tuple[datetime | None, tuple[str, ...]]:
    """Ids whose type is a digital currency address (the SDN list's `id` elements), and the date of publication.

    Source: the SDN XML format, https://ofac.treasury.gov/sdn-list-data-formats-data-schemas.
    """
    if _DECLARES(data):
        raise FieldInvalid("the list declares a document type or entities, which no such list needs", field="file")
    try:
        root = Xml.fromstring(data)  # noqa: S314 - without declarations nothing can be expanded or fetched
    except Xml.ParseError as error:
        raise FieldInvalid(f"the list is not well-formed XML (line {error.position[0]})", field="file") from None
    dated, entries = None, []
    for element in root.iter():
        match _name(element):
            case "Publish_Date":
                dated = _date(element.text or "")
            case "id":
                kind, number = _child(element, "idType"), _child(element, "idNumber")
                if _CRYPTO(kind) and number:
                    entries.append(number)
    return dated, tuple(entries)


def _name(element: Xml.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: Xml.Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _name(child) == name), "")


def _date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y").replace(tzinfo=UTC)
    except ValueError:
        return None
