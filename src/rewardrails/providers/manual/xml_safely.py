"""Reading XML that somebody else made: nothing is declared, expanded or fetched, and neither size nor depth is unbounded."""

from xml.etree import ElementTree as Xml

from rewardrails.errors import FileInvalid

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64


class _Refusing(Xml.TreeBuilder):
    """Builds a tree; what a bank never sends ends the reading. Whatever its encoding, the parser itself says what it met."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        """Entities can only be declared in a document type, so that without one there are none."""
        raise FileInvalid(
            "the file declares a document type, which no bank statement needs: get it from the bank itself"
        )

    def start(self, tag: str, attrs: dict[str, str]) -> Xml.Element:
        """An element begins."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FileInvalid("the file is nested deeper than any bank statement: get it from the bank itself")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Xml.Element:
        """An element ends."""
        self._depth -= 1
        return super().end(tag)


def is_xml(data: bytes) -> bool:
    """Whether somebody meant it as XML, in whatever encoding it begins."""
    return data[:64].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def read_xml(data: bytes) -> Xml.Element:
    """The root element. Raises `FileInvalid`."""
    if len(data) > MAX_BYTES:
        raise FileInvalid(f"the file is longer than {MAX_BYTES} bytes: split it by day")
    parser = Xml.XMLParser(target=_Refusing())  # noqa: S314 - it refuses declarations, so nothing is expanded or fetched
    try:
        parser.feed(data)
        root: Xml.Element = parser.close()
    except Xml.ParseError as error:
        raise FileInvalid(f"the file is not well-formed XML (line {error.position[0]})") from None
    except (LookupError, ValueError) as error:
        raise FileInvalid("the file is in an encoding that cannot be read: save it as UTF-8") from error
    return root
