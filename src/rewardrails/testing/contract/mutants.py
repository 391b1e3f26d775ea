"""A genuine notice, spoilt in every way that a forger or a bad line can."""

from collections.abc import Iterator
from dataclasses import replace

from rewardrails.domain.webhook import WebhookRequest

MOST_PLACES = 400


def mutants(genuine: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    """What was done, and the spoilt notice."""
    yield from _bodies(genuine)
    for name in genuine.headers:
        yield f"{name} dropped", _with(genuine, name, None)
        for spoilt in _texts(genuine.headers[name]):
            yield f"{name} is {spoilt!r}", _with(genuine, name, spoilt)
    yield "no headers", replace(genuine, headers={})


def _bodies(genuine: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    body = genuine.body
    step = max(1, len(body) // MOST_PLACES)
    for place in range(0, len(body), step):
        flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        yield f"byte {place} flipped", replace(genuine, body=flipped)
    for length in (0, 1, len(body) // 2, len(body) - 1):
        yield f"cut to {length} bytes", replace(genuine, body=body[:length])
    for more in (b" ", b"\n", b"\0", body):
        yield f"{more[:5]!r} added", replace(genuine, body=body + more)


def _texts(text: str) -> Iterator[str]:
    """Each letter replaced by a very different one, every beginning, and the text with something added."""
    for place, letter in enumerate(text):
        yield text[:place] + _other(letter) + text[place + 1 :]
    for length in range(len(text)):
        yield text[:length]
    yield from (f"{text}x", f"x{text}", "\u0660" * len(text), "x" * 100_000)


def _other(letter: str) -> str:
    """Thirteen letters or five digits on: different in any encoding, unlike a flipped last bit of base64."""
    for start, count in (("a", 26), ("A", 26), ("0", 10)):
        place = ord(letter) - ord(start)
        if 0 <= place < count:
            return chr(ord(start) + (place + count // 2) % count)
    return "x"


def _with(genuine: WebhookRequest, name: str, value: str | None) -> WebhookRequest:
    others = {key: text for key, text in genuine.headers.items() if key != name}
    return replace(genuine, headers=others if value is None else {**others, name: value})
