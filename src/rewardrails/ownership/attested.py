"""The game says that the player has proved it there: whoever holds an API key with scope `players` answers for it."""

from rewardrails.domain.text import find_control
from rewardrails.ownership.base import Bound, Refusal, refused

MAX_REFERENCE = 200


class Attested:
    """The answer is the game's own reference to its proof, such as the id of a confirmed e-mail."""

    kind = "attested"

    def challenge(self, bound: Bound) -> str:
        """Words for whoever writes the game's backend."""
        return "Answer with your reference to the proof the player gave you, such as the id of a confirmation."

    async def verify(self, bound: Bound, answer: str) -> str:
        """Keep the reference. Raises `OwnershipRefused` for one that is empty, long, or holds control characters."""
        reference = answer.strip()
        if not reference or len(reference) > MAX_REFERENCE or find_control(reference):
            raise refused(
                Refusal.MALFORMED, f"the reference has 1 to {MAX_REFERENCE} printable characters", field="answer"
            )
        return f"attested: {reference}"
