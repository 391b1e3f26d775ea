"""A text that does not get out by accident."""

import hmac
from typing import NoReturn, final

_MASK = "********"


@final
class Secret:
    """A credential or key: every way of printing it shows a mask; only `reveal` opens it.

    It cannot be pickled, copied into JSON, iterated or compared with `==` to a plain text by accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The plain text; call this where it leaves for its only user and nowhere else."""
        return self._value

    def matches(self, candidate: str) -> bool:
        """Whether `candidate` is the same text, in a time that does not tell how much of it is."""
        return hmac.compare_digest(_bytes(self._value), _bytes(candidate))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret('{_MASK}')"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not stored or sent to another process: hand over its name and read it there")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
