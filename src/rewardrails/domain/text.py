"""Characters that no text from outside may hold; lone surrogates stand for bytes that were not UTF-8."""

import re

find_control = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
"""The first control character or lone surrogate, or None."""

find_control_in_free_text = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]").search
"""The same for texts of several lines: line feed, carriage return and tab are allowed."""


def letters_and_digits(words: str) -> int:
    """How many characters say something: dots and dashes do not."""
    return sum(character.isalnum() for character in words)
