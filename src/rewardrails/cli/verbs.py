"""Every verb of the command line with its row in the table of roles."""

from collections.abc import Iterator

from cyclopts import App

from rewardrails.cli.needs import Needs, needs_of


def verb_needs(app: App) -> dict[str, Needs]:
    """What each verb needs, by its words. Raises `LookupError` for one that says nothing."""
    return {" ".join(words): needs_of(verb) for words, verb in _verbs(app, ())}


def _verbs(app: App, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if app.default_command is not None and words:
        yield words, app.default_command
    for name in app:
        if not name.startswith("-"):
            yield from _verbs(app[name], (*words, name))
