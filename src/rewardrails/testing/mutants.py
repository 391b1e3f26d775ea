"""Forged mutants of a signed notice, for authors of adapters: an adapter believes the genuine one and none of these.

    genuine = Genuine(body=body, secret=secret, sign=standard_webhook, received_at=now, tolerance=timedelta(minutes=5))
    adapter.receive(genuine.request())
    for mutant in mutants(genuine, count=10_000, seed=1):
        with pytest.raises(WebhookRefused):
            adapter.receive(mutant.request)

No mutant is the genuine notice in other words: each says something else, or proves it with something else.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import cycle, islice
from random import Random  # noqa: TID251 - seeded, so that a mutant that was believed can be made again
from typing import Protocol

from rewardrails.domain.webhook import WebhookRequest
from rewardrails.secrets import Secret

_PRINTABLE = bytes(range(33, 127))
_SPACES = ("\t", "\n", "\r\n", "\x0b", "\x00", "\xa0", "\u2003", "\u200b", "\ufeff")
_SCHEMES = ("", "v1", "v1,", "v1,,", "v1a,", "v2,", "V1,", "v1=", "v1:", "v01,", "v1 ,", "v1, ", "sha256=", "none,")
# Letters and digits of other scripts that look like ours, or become ours under NFKC.
_LOOKALIKES = str.maketrans(
    "aceoipxyvABCEHKMOPTX0123456789,-+/=.",
    "асеоірхуѵАВСЕНКМОРТХ٠١２３٤٥６７８９，‐＋∕＝．",  # noqa: RUF001 - the point
)


class Forgery(StrEnum):
    """Ways to forge; `HEADER_*` take each of the headers that prove the notice."""

    BODY_BYTE = "body_byte"
    BODY_CUT = "body_cut"
    BODY_GROWN = "body_grown"
    BODY_SPACE = "body_space"
    BODY_LOOKALIKE = "body_lookalike"
    BODY_SWAPPED = "body_swapped"
    HEADER_BYTE = "header_byte"
    HEADER_CUT = "header_cut"
    HEADER_MISSING = "header_missing"
    HEADER_EMPTY = "header_empty"
    HEADER_TWICE = "header_twice"
    HEADER_CASE = "header_case"
    HEADER_SPACE = "header_space"
    HEADER_LOOKALIKE = "header_lookalike"
    HEADER_SMUGGLED = "header_smuggled"
    HEADER_RENAMED = "header_renamed"
    HEADERS_SWAPPED = "headers_swapped"
    SCHEME = "scheme"
    OTHER_SECRET = "other_secret"  # noqa: S105 - the name of a forgery
    EMPTY_SECRET = "empty_secret"  # noqa: S105 - the name of a forgery
    PROOF_OF_OTHER_BODY = "proof_of_other_body"
    PROOF_OF_OTHER_EVENT = "proof_of_other_event"
    STALE = "stale"
    FUTURE = "future"


class Sign(Protocol):
    """Signs as the vendor does: the headers that prove `body`, lower-cased, and no others: every one is needed."""

    def __call__(self, body: bytes, *, event: str, at: datetime, secret: Secret) -> Mapping[str, str]:
        """Headers; `secret` may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Genuine:
    """A notice to forge; `tolerance` is how old or early the adapter lets one be."""

    body: bytes = field(repr=False)
    secret: Secret
    sign: Sign
    received_at: datetime
    tolerance: timedelta
    event: str = "evt_1"

    def request(self) -> WebhookRequest:
        """The notice itself, which must be believed."""
        return self.signed()

    def signed(
        self,
        *,
        body: bytes | None = None,
        event: str | None = None,
        late: timedelta = timedelta(0),
        secret: Secret | None = None,
    ) -> WebhookRequest:
        """The same with some of it changed before it was signed; `late`: signed so long before it came."""
        said = self.body if body is None else body
        headers = self.sign(
            said,
            event=self.event if event is None else event,
            at=self.received_at - late,
            secret=self.secret if secret is None else secret,
        )
        return WebhookRequest(body=said, headers=headers, received_at=self.received_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A forged notice and how it was forged."""

    forgery: Forgery
    request: WebhookRequest


def mutants(
    genuine: Genuine, *, count: int, seed: int, forgeries: Collection[Forgery] = tuple(Forgery)
) -> Iterator[Mutant]:
    """Make `count` mutants, every forgery in turn; the same seed makes the same ones.

    Leave out of `forgeries` what the vendor's scheme does not have, such as `STALE` without a signed time.
    """
    chance, good = Random(seed), genuine.request()
    for forgery in islice(cycle(forgeries), count):
        forge = _FORGERIES[forgery]
        mutant = forge(genuine, good, chance)
        while _proves_the_same(good, mutant):
            mutant = forge(genuine, good, chance)
        yield Mutant(forgery=forgery, request=mutant)


def standard_webhook(body: bytes, *, event: str, at: datetime, secret: Secret) -> Mapping[str, str]:
    """Sign by Standard Webhooks (https://www.standardwebhooks.com), also with an empty secret."""
    key = b64decode(secret.reveal().removeprefix("whsec_"))
    timestamp = str(int(at.timestamp()))
    mac = hmac.digest(key, f"{event}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": event,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(mac).decode()}",
    }


def _proves_the_same(good: WebhookRequest, mutant: WebhookRequest) -> bool:
    """Whether nothing has changed: a header may list several proofs, and one that still has the whole true one holds."""
    return mutant.body == good.body and all(
        value in mutant.headers.get(name, "").split(" ") for name, value in good.headers.items()
    )


_Forge = Callable[[Genuine, WebhookRequest, Random], WebhookRequest]


def _of_body(change: Callable[[bytes, Random], bytes]) -> _Forge:
    return lambda _, good, chance: replace(good, body=change(good.body, chance))


def _of_header(change: Callable[[str, Random], str]) -> _Forge:
    def forge(_: Genuine, good: WebhookRequest, chance: Random) -> WebhookRequest:
        name = chance.choice(list(good.headers))
        return replace(good, headers={**good.headers, name: change(good.headers[name], chance)})

    return forge


def _one_byte(data: bytes, chance: Random) -> bytes:
    """One bit turned over, or one byte replaced, put in or taken out."""
    at = chance.randrange(len(data))
    match chance.randrange(4):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + bytes([chance.choice(_PRINTABLE)]) + data[at + 1 :]
        case 2:
            return data[:at] + bytes([chance.choice(_PRINTABLE)]) + data[at:]
        case _:
            return data[:at] + data[at + 1 :]


def _cut(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data))
    return chance.choice([data[:at], data[len(data) - at :]])


def _swapped(data: bytes, chance: Random) -> bytes:
    at, width = chance.randrange(len(data)), chance.randrange(1, 40)
    return data[:at] + data[at + width : at + 2 * width] + data[at : at + width] + data[at + 2 * width :]


def _spaced(text: str, chance: Random) -> str:
    at = chance.choice([0, len(text), chance.randrange(len(text))])
    return text[:at] + chance.choice(_SPACES) + text[at:]


def _lookalike(text: str, chance: Random) -> str:
    places = [at for at, letter in enumerate(text) if letter.translate(_LOOKALIKES) != letter]
    at = chance.choice(places)
    return text[:at] + text[at].translate(_LOOKALIKES) + text[at + 1 :]


def _twice(value: str, chance: Random) -> str:
    """A header that came twice, as RFC 9110 has its lines put together."""
    other = _one_byte(value.encode(), chance).decode("latin-1")
    return chance.choice([f"{value},{other}", f"{other},{value}", f"{value},{value}"])


def _other_case(value: str, chance: Random) -> str:
    return chance.choice([value.upper(), value.lower(), value.swapcase(), value.title()])


def _other_scheme(value: str, chance: Random) -> str:
    """Another scheme's name before the proof, or a scheme's name without any."""
    _, comma, proof = value.partition(",")
    scheme = chance.choice(_SCHEMES)
    return chance.choice([scheme + proof if comma else scheme + value, scheme, f"{scheme} {scheme}"])


def _missing(_: Genuine, good: WebhookRequest, chance: Random) -> WebhookRequest:
    name = chance.choice(list(good.headers))
    return replace(good, headers={other: value for other, value in good.headers.items() if other != name})


def _renamed(_: Genuine, good: WebhookRequest, chance: Random) -> WebhookRequest:
    name = chance.choice(list(good.headers))
    other = chance.choice([name.replace("-", "_"), f"{name} ", f" {name}", f"{name}\x00", f"x-{name}", name[:-1]])
    return replace(good, headers={other if known == name else known: value for known, value in good.headers.items()})


def _smuggled(_: Genuine, good: WebhookRequest, chance: Random) -> WebhookRequest:
    """The true headers hidden inside another one, behind a line break that somebody on the way might read."""
    inside = chance.choice(["\r\n", "\n", "\r", "\u010d\u010a", "%0d%0a", ";", "\x00"]).join(
        f"{name}: {value}" for name, value in good.headers.items()
    )
    name = chance.choice(list(good.headers))
    return replace(good, headers={**good.headers, name: f"x{inside}"})


def _exchanged(_: Genuine, good: WebhookRequest, chance: Random) -> WebhookRequest:
    names = list(good.headers)
    shuffled = chance.sample(names, len(names))
    return replace(good, headers={name: good.headers[other] for name, other in zip(names, shuffled, strict=True)})


def _other_secret(genuine: Genuine, _: WebhookRequest, chance: Random) -> WebhookRequest:
    return genuine.signed(secret=Secret(f"whsec_{b64encode(chance.randbytes(32)).decode()}"))


def _proof_of_other_body(genuine: Genuine, good: WebhookRequest, chance: Random) -> WebhookRequest:
    return replace(genuine.signed(body=_one_byte(good.body, chance)), body=good.body)


def _proof_of_other_event(genuine: Genuine, good: WebhookRequest, chance: Random) -> WebhookRequest:
    """The true proof under a new name, as if it were another event."""
    other = genuine.signed(event=f"evt_{chance.getrandbits(64):x}", late=timedelta(seconds=chance.randrange(2)))
    changed = [name for name in good.headers if other.headers[name] != good.headers[name]]
    kept = chance.choice(changed)
    return replace(other, headers={**other.headers, kept: good.headers[kept]})


def _stale(genuine: Genuine, _: WebhookRequest, chance: Random) -> WebhookRequest:
    return genuine.signed(late=_beyond(genuine.tolerance, chance))


def _future(genuine: Genuine, _: WebhookRequest, chance: Random) -> WebhookRequest:
    return genuine.signed(late=-_beyond(genuine.tolerance, chance))


def _beyond(tolerance: timedelta, chance: Random) -> timedelta:
    """Longer than the tolerance: by two seconds (signed times are whole ones), or by anything up to years."""
    return tolerance + timedelta(seconds=2 + chance.choice([0, chance.randrange(600), chance.randrange(10**8)]))


_FORGERIES: Mapping[Forgery, _Forge] = {
    Forgery.BODY_BYTE: _of_body(_one_byte),
    Forgery.BODY_CUT: _of_body(_cut),
    Forgery.BODY_GROWN: _of_body(lambda body, chance: body + chance.choice([b"\x00", b"\n", b"{}", body])),
    Forgery.BODY_SPACE: _of_body(lambda body, chance: _text(body, chance, _spaced)),
    Forgery.BODY_LOOKALIKE: _of_body(lambda body, chance: _text(body, chance, _lookalike)),
    Forgery.BODY_SWAPPED: _of_body(_swapped),
    Forgery.HEADER_BYTE: _of_header(lambda value, chance: _one_byte(value.encode(), chance).decode("latin-1")),
    Forgery.HEADER_CUT: _of_header(lambda value, chance: _cut(value.encode(), chance).decode()),
    Forgery.HEADER_MISSING: _missing,
    Forgery.HEADER_EMPTY: _of_header(lambda _, chance: chance.choice(["", " ", "\t"])),
    Forgery.HEADER_TWICE: _of_header(_twice),
    Forgery.HEADER_CASE: _of_header(_other_case),
    Forgery.HEADER_SPACE: _of_header(_spaced),
    Forgery.HEADER_LOOKALIKE: _of_header(_lookalike),
    Forgery.HEADER_SMUGGLED: _smuggled,
    Forgery.HEADER_RENAMED: _renamed,
    Forgery.HEADERS_SWAPPED: _exchanged,
    Forgery.SCHEME: _of_header(_other_scheme),
    Forgery.OTHER_SECRET: _other_secret,
    Forgery.EMPTY_SECRET: lambda genuine, _, chance: genuine.signed(secret=Secret("")),  # noqa: ARG005 - one shape
    Forgery.PROOF_OF_OTHER_BODY: _proof_of_other_body,
    Forgery.PROOF_OF_OTHER_EVENT: _proof_of_other_event,
    Forgery.STALE: _stale,
    Forgery.FUTURE: _future,
}


def _text(body: bytes, chance: Random, change: Callable[[str, Random], str]) -> bytes:
    """A change of text where the body is text; of one byte where it is not."""
    try:
        return change(body.decode(), chance).encode()
    except UnicodeDecodeError:
        return _one_byte(body, chance)
