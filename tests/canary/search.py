"""Looking for canaries in everything that was produced."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.canary.values import Canary


@dataclass(frozen=True)
class Shown:
    """A place where the contract itself shows something, and why that is right."""

    where: str
    kinds: frozenset[str]
    why: str

    def covers(self, where: str, kind: str) -> bool:
        return kind in self.kinds and fnmatchcase(where, self.where)


@dataclass(frozen=True)
class Hit:
    """A canary that got out; it tells where and how, never what, for this is printed."""

    where: str
    kind: str
    how: str


class Produced:
    """Everything a run produced, by where it came from."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, bytes]] = []

    def add(self, where: str, content: bytes | str) -> None:
        self._parts.append((where, content.encode() if isinstance(content, str) else content))

    def add_folder(self, where: str, folder: Path) -> None:
        """Every file below, its name included."""
        for path in sorted(folder.rglob("*")):
            name = f"{where}/{path.relative_to(folder)}"
            self.add("names of files", name)
            if path.is_file() and not path.is_symlink():
                self.add(name, path.read_bytes())

    def parts(self) -> Sequence[tuple[str, bytes]]:
        return self._parts

    def sizes(self) -> dict[str, int]:
        return {where: sum(len(content) for name, content in self._parts if name == where) for where, _ in self._parts}

    def shows(self, canary: Canary, where: str) -> bool:
        """Whether a canary stands plainly somewhere; so a test can tell that it looks where things do stand."""
        return any(fnmatchcase(name, where) and canary.text.encode() in content for name, content in self._parts)


def hits(produced: Produced, canaries: Iterable[Canary], allowed: Sequence[Shown]) -> list[Hit]:
    """Every canary found outside the places where it may stand."""
    return list(dict.fromkeys(_hits(produced, list(canaries), allowed)))


def _hits(produced: Produced, canaries: Sequence[Canary], allowed: Sequence[Shown]) -> Iterator[Hit]:
    disguised = [(canary.kind, canary.disguises()) for canary in canaries]
    for where, content in produced.parts():
        for kind, forms in disguised:
            if any(shown.covers(where, kind) for shown in allowed):
                continue
            for needle, how in forms.items():
                if needle in content:
                    yield Hit(where, kind, how)
