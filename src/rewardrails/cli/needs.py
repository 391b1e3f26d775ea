"""What each verb of the command line needs of whoever types it, declared beside the verb."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rewardrails.security.scopes import Scope

V = TypeVar("V", bound=Callable[..., object])
_ATTRIBUTE = "__rewardrails_needs__"
_TOOLS = "rewardrails.testing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """A verb's row in the table of roles.

    `scope` None: it acts on nobody's behalf, for the reason in `why`. `by_name`: it counts persons, so that it needs to know
    who it is even before there are any operators.
    """

    scope: Scope | None
    by_name: bool = False
    why: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether, once there are operators, one must be signed in: for everything but looking at what is masked."""
        return self.scope is not None and (self.by_name or self.scope is not Scope.READ)


def needs(scope: Scope, *, by_name: bool = False) -> Callable[[V], V]:
    """Declare the scope that a verb needs."""
    return _declared(Needs(scope=scope, by_name=by_name))


def needs_nobody(why: str) -> Callable[[V], V]:
    """Declare that a verb acts on nobody's behalf, and why that is right."""
    return _declared(Needs(scope=None, why=why))


def needs_of(verb: object) -> Needs:
    """What a verb declares. Raises `LookupError` for one without a row."""
    declared = getattr(verb, _ATTRIBUTE, None)
    if isinstance(declared, Needs):
        return declared
    if str(getattr(verb, "__module__", "")).startswith(_TOOLS):
        return Needs(scope=None, why="a tool for trying things out; it has no engine")
    raise LookupError(f"{verb!r} does not say what it needs: put @needs(Scope...) below @app.command")


def _declared(row: Needs) -> Callable[[V], V]:
    def mark(verb: V) -> V:
        setattr(verb, _ATTRIBUTE, row)
        return verb

    return mark
