"""Values that must stay inside, each one of a kind, and every disguise in which one could get out."""

import hashlib
import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

DIGESTS = ("sha256", "sha1", "md5")


@dataclass(frozen=True)
class Canary:
    """A value to look for; `kind` says what it is."""

    kind: str
    text: str

    def disguises(self) -> dict[bytes, str]:
        """Every form to look for, with its name."""
        return {needle: name for name, needle in _forms(self.text)}


def word() -> str:
    """Letters and digits that stand nowhere else, and survive every parser unchanged."""
    return f"zq{secrets.token_hex(9)}"


def email(kind: str) -> tuple[Canary, Canary]:
    """An e-mail address, and what stands before its @: whoever has that has the address."""
    local = word()
    return Canary(kind, f"{local}@players.example.org"), Canary(kind, local)


def _forms(text: str) -> Iterator[tuple[str, bytes]]:
    plain = text.encode()
    yield "plain", plain
    yield "upper case", text.upper().encode()
    yield "reversed", text[::-1].encode()
    yield "hex", plain.hex().encode()
    yield "HEX", plain.hex().upper().encode()
    yield "utf-16", text.encode("utf-16-le")
    yield "url", quote(text, safe="").encode()
    yield "form", quote_plus(text).encode()
    yield "json", json.dumps(text)[1:-1].encode()
    for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
        for before in range(3):
            # Where a value begins inside what is encoded moves its letters; the outermost hold its neighbours' bits.
            whole = encode(b"\0" * before + plain)
            yield f"{name} at {before}", whole[(0, 2, 3)[before] : len(whole) - 4]
    for digest in DIGESTS:
        made = hashlib.new(digest, plain).digest()
        yield f"{digest} in hex", made.hex().encode()
        yield f"{digest} in HEX", made.hex().upper().encode()
        yield f"{digest} in base64", b64encode(made).rstrip(b"=")
        yield f"{digest}, raw", made
