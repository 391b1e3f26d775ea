"""Text as European banks take it: letters, figures and a few signs; accents fall, and what is left over is refused.

Source: EPC217-08, the SEPA requirements for an extended character set, which also names the accents' plain letters.
"""

import re
import unicodedata

from rewardrails.errors import DestinationInvalid

MAX_NAME = 70
_allowed = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]+").fullmatch
# What does not come apart into a letter and an accent.
_PLAIN = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "Æ": "AE",
        "æ": "ae",
        "Œ": "OE",
        "œ": "oe",
        "Ø": "O",
        "ø": "o",
        "Ł": "L",
        "ł": "l",
        "Đ": "D",
        "đ": "d",
        "Ð": "D",
        "ð": "d",
        "Þ": "TH",
        "þ": "th",
        "\u0131": "i",
        "\u2019": "'",
        "`": "'",
        "\u00b4": "'",
        "\u2013": "-",
        "\u2014": "-",
        "_": "-",
        "&": "+",
        "\u00a0": " ",
    }
)


def sepa_text(text: str, *, longest: int = MAX_NAME) -> str:
    """The text in letters that every bank takes. Raises `DestinationInvalid` for what has none, or is too long: never cut."""
    apart = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    plain = " ".join("".join(sign for sign in apart if not unicodedata.combining(sign)).translate(_PLAIN).split())
    if not _allowed(plain) or plain.startswith("/") or plain.endswith("/") or "//" in plain:
        raise DestinationInvalid(
            "the account holder's name is empty or has letters that banks do not take: pay it by hand", field="memo"
        )
    if len(plain) > longest:
        raise DestinationInvalid(
            f"the account holder's name is longer than {longest} letters: pay it by hand", field="memo"
        )
    return plain
