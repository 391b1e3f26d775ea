"""Hostile input: anything at all, and what is true but for a few changes, which gets further into a parser."""

# ruff: noqa: RUF001 - letters that look like others are the point
from collections.abc import Sequence

from hypothesis import strategies as st

# Where parsers stumble: nothing, the ends of ranges, what is not text, what looks like something else, what ends lines.
_NASTY = (
    *("", " ", "\t", "\n", "\r", "\r\n", "\x00", "\x0b", "\x1c", "\x1f", "\x7f", "\x85", "\xa0", "\xad"),
    *("\u200b", "\u200f", "\u2028", "\u202e", "\u2066", "\ufeff", "\ufffe", "\ud800", "\udcff", "\udfff", "\U0010ffff"),
    *("٣", "１", "²", "½", "Ⅷ", "ı", "İ", "ß", "ſ", "K", "ﬁ", "é", "e\u0301", "А", "．", "，", "＠", "−", "﹣", "𝟎"),
    *(
        "0",
        "-0",
        "+1",
        "00",
        "1_000",
        "0x1",
        "1e9",
        "1e999999999",
        "9" * 39,
        "9" * 400,
        "9" * 5000,
        ".",
        ",",
        "-",
        "NaN",
        "Infinity",
    ),
    *(
        '"',
        "'",
        "\\",
        "[",
        "]",
        "{",
        "}",
        "[" * 2000,
        '{"a":' * 2000,
        "(",
        ")",
        "<",
        "&",
        ";",
        "%",
        "%00",
        "${x}",
        "=1+1",
        "@",
        ":",
        "/",
    ),
    *("null", "true", "{}", "[]", '""', "\\u0000", "\\ud800", "\\", "a" * 300, "a" * 5000, "https://", "env:", "file:"),
)
_CHOICES = st.integers(0, 2**32 - 1)
_WAYS = 4


def _piece(choice: int) -> str:
    """One of the nasty texts, or any character."""
    return _NASTY[choice // 2 % len(_NASTY)] if choice % 2 else chr(choice // 2 % 0x110000)


anything = st.lists(_CHOICES, max_size=8).map(lambda choices: "".join(map(_piece, choices)))
"""Any text, lone surrogates and control characters among it."""


def almost(*truths: str) -> st.SearchStrategy[str]:
    """One of these texts with up to four cuts, insertions, repetitions or replacements; or anything at all."""
    return st.builds(_changed, st.sampled_from(truths), st.lists(_CHOICES, max_size=4)) | anything


def almost_bytes(*truths: str) -> st.SearchStrategy[bytes]:
    """The same as bytes, which need not be UTF-8."""
    return st.builds(_with_bytes, almost(*truths), st.integers(0, 10_000), st.binary(max_size=6))


def _changed(text: str, choices: Sequence[int]) -> str:
    for choice in choices:
        rest, how = divmod(choice, _WAYS)
        width = rest % 13
        put, at = _piece(rest // 13), rest // 7 % (len(text) + 1)
        match how:
            case 0:
                text = text[:at] + put + text[at:]
            case 1:
                text = text[:at] + put + text[at + width :]
            case 2:
                text = text[:at] + text[at + width :]
            case _:
                text = text[: at + width] + text[at:]
    return text


def _with_bytes(text: str, place: int, put: bytes) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    at = place % (len(data) + 1)
    return data[:at] + put + data[at:]
