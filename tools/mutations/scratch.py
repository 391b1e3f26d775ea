"""A copy of the tree to break, and running tests in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from rewardrails.store.embedded import EmbeddedPostgres
from tools.mutations.catalogue import Edit, Mutation

COPIED = ("src", "tests", "tools", "docs", "pyproject.toml")
LIMIT_SECONDS = 420
ENOUGH_FAILURES = 20
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How tests went: names of the red ones, how many ran, and whether they ended in time."""

    red: tuple[str, ...]
    ran: int
    ended: bool = True


def problems(root: Path, mutation: Mutation) -> list[str]:
    """What keeps a mutation from being applied to this tree; empty is well."""
    return [
        f"{mutation.name}: the text to replace stands {times} times in {edit.file}, not once: {edit.old!r}"
        for edit in mutation.edits
        if (times := _read(root / edit.file).count(edit.old)) != 1
    ]


class Scratch:
    """A copy of the project whose own sources are the ones that are imported."""

    def __init__(self, root: Path, folder: Path, database_url: str) -> None:
        self._original = root
        self._folder = folder
        self._env = {**os.environ, "PYTHONPATH": str(folder / "src"), "TEST_DATABASE_URL": database_url}
        self._env["PYTHONDONTWRITEBYTECODE"] = "1"
        for name in COPIED:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)
        self._be_sure()

    @contextmanager
    def broken(self, edits: Sequence[Edit]) -> Iterator[None]:
        """The copy with these edits, for as long as the block lasts."""
        paths = {self._folder / edit.file for edit in edits}
        whole = {path: _read(path) for path in paths}
        try:
            for edit in edits:
                path = self._folder / edit.file
                path.write_text(_read(path).replace(edit.old, edit.new, 1), encoding="utf-8")
            yield
        finally:
            for path, text in whole.items():
                path.write_text(text, encoding="utf-8")

    def test(self, tests: Sequence[str]) -> Verdict:
        """Run tests in the copy."""
        report = self._folder / "report.xml"
        report.unlink(missing_ok=True)
        options = ("-q", "-n0", "-p", "no:cacheprovider", f"--maxfail={ENOUGH_FAILURES}", f"--junitxml={report}")
        command = [sys.executable, "-m", "pytest", *options, f"--basetemp={self._folder / 'tmp'}", *tests]
        try:
            subprocess.run(
                command, cwd=self._folder, env=self._env, check=False, capture_output=True, timeout=LIMIT_SECONDS
            )
        except subprocess.TimeoutExpired:
            return Verdict(red=(), ran=0, ended=False)
        return _verdict(report)

    def _be_sure(self) -> None:
        """Raise unless the copy is what its tests would import, from whatever folder they start a process."""
        asked = [sys.executable, "-c", "import rewardrails; print(rewardrails.__file__)"]
        for folder in (self._folder, Path("/")):
            answer = subprocess.run(asked, cwd=folder, env=self._env, check=True, capture_output=True, text=True)
            found = Path(answer.stdout.strip())
            if not found.is_relative_to(self._folder):
                raise RuntimeError(f"the copy is not what is imported: {found}")


@contextmanager
def scratch(root: Path) -> Iterator[Scratch]:
    """A fresh copy, with a database server of its own."""
    with (
        TemporaryDirectory(prefix="rr-mutations-") as folder,
        EmbeddedPostgres.start(Path(folder) / "pg", settings=FORGETFUL) as postgres,
    ):
        tree = Path(folder) / "tree"
        tree.mkdir()
        yield Scratch(root, tree, postgres.dsn("postgres"))


def _verdict(report: Path) -> Verdict:
    if not report.is_file():
        return Verdict(red=("(no test could even be collected)",), ran=0)
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - as above
    red = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    names = dict.fromkeys(case.get("name", "").partition("[")[0] for case in red)
    return Verdict(red=tuple(names), ran=len(cases))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
