"""Which tests carry which marks, read from their sources without running them."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

KINDS = ("promise", "incident")
_FUNCTION = re.compile(r"def (test_\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedTest:
    """A test and the ids it is marked with; `node` is its address for pytest, without parameters.

    A class that inherits its tests (the contract suite) counts as one test.
    """

    node: str
    promises: frozenset[str]
    incidents: frozenset[str]

    @property
    def name(self) -> str:
        """The name of the function, or of the class."""
        return self.node.rsplit("::", maxsplit=1)[-1]

    @property
    def file(self) -> str:
        """Where it stands."""
        return self.node.split("::", maxsplit=1)[0]

    @property
    def is_night(self) -> bool:
        """Whether it runs at night only."""
        return self.file.startswith("tests/night/")


def marked_tests(root: Path) -> list[MarkedTest]:
    """Every marked test below `root`/tests, by address."""
    found: list[MarkedTest] = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += _of_body(tree.body, path.relative_to(root).as_posix(), _module_marks(tree))
    return found


def test_names(root: Path) -> frozenset[str]:
    """The name of every test function there is, marked or not, those of the contract suite included."""
    names: set[str] = set()
    for folder in (root / "tests", root / "src" / "rewardrails" / "testing"):
        for path in folder.rglob("*.py"):
            names |= set(_FUNCTION.findall(path.read_text(encoding="utf-8")))
    return frozenset(names)


Marks = Sequence[tuple[str, str]]


def _of_body(body: Sequence[ast.stmt], prefix: str, outer: Marks) -> Iterator[MarkedTest]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) if name.startswith("Test"):
                marks = (*outer, *_marks(node.decorator_list))
                if node.bases:
                    yield from _marked(f"{prefix}::{name}", marks)
                yield from _of_body(node.body, f"{prefix}::{name}", marks)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test_"):
                yield from _marked(f"{prefix}::{name}", (*outer, *_marks(node.decorator_list)))


def _marked(node: str, marks: Marks) -> Iterator[MarkedTest]:
    promises = frozenset(each for kind, each in marks if kind == "promise")
    incidents = frozenset(each for kind, each in marks if kind == "incident")
    if promises or incidents:
        yield MarkedTest(node=node, promises=promises, incidents=incidents)


def _module_marks(tree: ast.Module) -> Marks:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                return _marks(value.elts if isinstance(value, ast.List | ast.Tuple) else [value])
    return ()


def _marks(expressions: Iterable[ast.expr]) -> Marks:
    """`pytest.mark.promise("G1", "G2")` among these, as pairs of kind and id."""
    return [
        (call.func.attr, str(argument.value))
        for expression in expressions
        for call in ast.walk(expression)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in KINDS
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]
