"""What really happened, from the provider's own journal and from nowhere else."""

from collections import Counter

import msgspec

from rewardrails.testing.fake_provider.book import Book
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from rewardrails.testing.fake_provider.journal import Accepted, Moved, Noticed, Record

DECODER = msgspec.json.Decoder(Record)


class Truth:
    """Reads on in the journal; a reward is known by its number, which stands in its destination."""

    def __init__(self, rail: FakeProviderProcess) -> None:
        self._rail = rail
        self._read_to = 0
        self._book = Book()
        self._standing: dict[int, set[str]] = {}
        self._most: Counter[int] = Counter()
        self._notices: dict[int, list[Noticed]] = {}
        self._records: dict[int, list[Record]] = {}

    def standing(self, number: int) -> int:
        """How many creations for this reward stand now: accepted, and neither failed, canceled nor returned."""
        self._read_on()
        return len(self._standing.get(number, ()))

    def most(self, number: int) -> int:
        """How many creations for this reward ever stood at the same moment."""
        self._read_on()
        return self._most[number]

    def newest_reference(self, number: int) -> str | None:
        """Our reference of the creation for this reward that was accepted last."""
        self._read_on()
        found = [entry.accepted.reference for entry in self._book.by_id.values() if number_of(entry.accepted) == number]
        return found[-1] if found else None

    def notices(self, number: int) -> list[Noticed]:
        """Everything the provider has to tell of this reward, oldest first."""
        self._read_on()
        return self._notices.get(number, [])

    def records(self, number: int) -> list[Record]:
        """Every record of the journal about this reward, oldest first."""
        self._read_on()
        return self._records.get(number, [])

    def _read_on(self) -> None:
        with self._rail.journal.open("rb") as journal:
            journal.seek(self._read_to)
            for line in journal:
                if not line.endswith(b"\n"):
                    return
                self._read_to += len(line)
                self._apply(DECODER.decode(line))

    def _apply(self, record: Record) -> None:
        self._book.apply(record)
        if isinstance(record, Accepted | Moved):
            entry = self._book.by_id[record.id]
            number = number_of(entry.accepted)
            self._records.setdefault(number, []).append(record)
            standing = self._standing.setdefault(number, set())
            (standing.add if entry.stands else standing.discard)(record.id)
            self._most[number] = max(self._most[number], len(standing))
        elif isinstance(record, Noticed):
            told = msgspec.json.decode(record.body)["data"]
            for entry in self._book.by_reference.get(told["reference"], ()):
                self._notices.setdefault(number_of(entry.accepted), []).append(record)
                self._records.setdefault(number_of(entry.accepted), []).append(record)


def number_of(accepted: Accepted) -> int:
    """`settle.17@example.org` is reward 17's."""
    return int(accepted.value.partition("@")[0].rpartition(".")[2])
