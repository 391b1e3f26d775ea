"""Value that a rail hands back instead of paying somebody: whoever knows it has it."""

from dataclasses import dataclass
from typing import NoReturn, final

MAX_LENGTH = 2000


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BearerValue:
    """A gift card's code and PIN, or the link to redeem it at; what a rail does not use is empty.

    It shows itself nowhere: only its three fields tell it. Raises `ValueError` for one that holds nothing, or more than
    2000 characters in a field; the words of the error do not quote it.
    """

    code: str = ""
    pin: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        if not (self.code or self.link):
            raise ValueError("a value has a code or a link")
        if max(len(self.code), len(self.pin), len(self.link)) > MAX_LENGTH:
            raise ValueError(f"a value has a part longer than {MAX_LENGTH} characters")

    def __repr__(self) -> str:
        return "BearerValue('********')"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a value is not stored or sent to another process but sealed")
