"""Parts that come with us or that installed packages announce in an entry point group, by name."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar, cast

from rewardrails.errors import ConfigInvalid

F = TypeVar("F")
Announced = Callable[[], Iterable[EntryPoint]]


def in_group(group: str) -> Announced:
    """What installed packages announce in a group."""
    return lambda: entry_points(group=group)


def find(kind: str, name: str, built_in: Mapping[str, F], announced: Announced, *, field: str) -> F:
    """The factory of that name; of foreign packages only this one's is imported.

    Raises `ConfigInvalid` at `field` for a name that nobody or more than one package offers; `kind` is what people call it.
    """
    foreign = [entry for entry in announced() if entry.name == name]
    if len(foreign) + (name in built_in) > 1:
        raise ConfigInvalid(f"the {kind} {name!r} is offered by more than one package: remove one", field=field)
    if name in built_in:
        return built_in[name]
    if not foreign:
        known = sorted({*built_in, *(entry.name for entry in announced())})
        raise ConfigInvalid(f"there is no {kind} called {name!r}; there are {', '.join(known)}", field=field)
    return cast("F", foreign[0].load())
