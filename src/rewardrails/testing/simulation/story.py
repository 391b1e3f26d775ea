"""What happened, as numbered sentences."""

from rewardrails.testing.simulation.virtual import VirtualTime


class Story:
    """Sentences, one a step, with what came of it."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._lines: list[str] = []
        self._notes: list[str] = []
        self.events = 0
        self.brief = False

    def note(self, words: str) -> None:
        """Something that happened during the present step; told once."""
        if words not in self._notes:
            self._notes.append(words)

    def tell(self, sentence: str) -> None:
        """End a step: what was done, and what was noted meanwhile. A brief story leaves out what nothing came of."""
        came_of_it = f" -> {'; '.join(self._notes)}" if self._notes else ""
        self.events += 1
        if self.brief and not self._notes:
            return
        self._lines.append(
            f"{self.events:>3}. [{self._time.seconds:8.1f} s] {sentence[0].upper()}{sentence[1:]}{came_of_it}"
        )
        self._notes.clear()

    def remark(self, words: str) -> None:
        """A line between two steps."""
        self._lines.append(f"     {words}")

    @property
    def text(self) -> str:
        """The whole story."""
        return "\n".join(self._lines)
