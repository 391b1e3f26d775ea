"""The page of roles: every route, page and verb against every role."""

from collections.abc import Iterable, Sequence

from litestar import Litestar

from rewardrails.api.access import RouteNeeds, route_needs
from rewardrails.api.app import create_app
from rewardrails.cli.app import app as command_line
from rewardrails.cli.needs import Needs
from rewardrails.cli.verbs import verb_needs
from rewardrails.docsgen.markdown import code, codes, table
from rewardrails.security.roles import MATRIX, Role, may
from rewardrails.security.scopes import IMPLIED, MEANINGS, Scope

_INTRO = """# Roles

What each role may do. People hold roles, keys hold scopes; a role is a set of scopes, and routes, pages and commands each ask
for one. On top come the rules about persons, which no role lifts: nobody approves, confirms or resolves alone what they made
themselves.

`✓` may, `-` may not, `anybody` needs no sign-in. [How to give people access](../howto/give-people-access.md).
"""
_VERBS = """## Commands

Before there is any operator, commands run for whoever may read the configuration and its secrets; those marked *by name* need
a key even then. From the first operator on, everything but reading what is masked needs a sign-in or a key.
"""


def render() -> str:
    """The whole page."""
    rows = route_needs(_app())
    routes = [_route(row) for row in rows if not row.is_page]
    pages = [_route(row) for row in rows if row.is_page]
    verbs = [_verb(name, row) for name, row in sorted(verb_needs(command_line).items())]
    return "\n".join(
        (
            _INTRO,
            "## Scopes\n",
            table(("scope", "allows", "comes with", *_names()), (_scope(scope) for scope in Scope)),
            "## Routes\n",
            table(("route", "scope", *_names()), routes),
            "## Pages\n",
            table(("page", "scope", *_names()), pages),
            _VERBS,
            table(("command", "scope", *_names()), verbs),
        )
    )


def _app() -> Litestar:
    return create_app(None)  # type: ignore[arg-type] # nobody asks it anything


def _names() -> Iterable[str]:
    return (code(role.value) for role in MATRIX)


def _scope(scope: Scope) -> Sequence[str]:
    others = () if scope is Scope.ADMIN else sorted(IMPLIED.get(scope, ()))
    implied = "all" if scope is Scope.ADMIN else codes(others, none="")
    return code(scope.value), MEANINGS[scope], implied, *(_mark(role, scope) for role in MATRIX)


def _route(row: RouteNeeds) -> Sequence[str]:
    name = code(f"{row.method} {row.path}")
    if not row.known:
        return name, "", *("anybody" for _ in MATRIX)
    return name, code(row.scope.value) if row.scope else "any", *(_mark(role, row.scope) for role in MATRIX)


def _verb(name: str, row: Needs) -> Sequence[str]:
    if row.scope is None:
        return code(name), row.why, *("anybody" for _ in MATRIX)
    scope = code(row.scope.value) + (", *by name*" if row.by_name else "")
    return code(name), scope, *(_mark(role, row.scope) for role in MATRIX)


def _mark(role: Role, scope: Scope | None) -> str:
    return "✓" if may(role, scope) else "-"
