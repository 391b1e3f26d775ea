"""The table of roles, every cell: each route over HTTP and each command in its turn, as somebody of each role."""

import re
from pathlib import Path

import pytest
from litestar import Litestar, get

from rewardrails.api.access import route_needs
from rewardrails.api.app import create_app
from rewardrails.cli.app import app as command_line
from rewardrails.cli.needs import needs_of
from rewardrails.cli.verbs import verb_needs
from rewardrails.security.roles import MATRIX, Role, may
from rewardrails.security.scopes import IMPLIED, MEANINGS, Scope
from tests.api.client import Api
from tests.api.test_auth import NOWHERE
from tests.people.commands import ARGUMENTS, Company, company
from tests.support.command_line import CommandLine
from tests.support.people import sessions_by_role

pytestmark = [pytest.mark.promise("G7")]

DUTIES = {
    Role.VIEWER: {"read"},
    Role.SUPPORT: {"read", "hold", "reissue"},
    Role.APPROVER: {"read", "approve"},
    Role.TREASURER: {"read", "pools", "treasury"},
    Role.AUDITOR: {"read", "reveal", "audit"},
}
APART = ("approve", "comply", "treasury", "people", "batches")


def test_every_role_and_every_scope_is_in_the_tables() -> None:
    assert set(MATRIX) == set(Role)
    assert set(MEANINGS) == set(Scope)
    assert set(IMPLIED) <= set(Scope)


def test_each_scope_but_the_machines_own_is_somebodys() -> None:
    held = {scope for scope in Scope if any(may(role, scope) for role in Role)}

    assert held == set(Scope) - {Scope.ADMIN}


@pytest.mark.parametrize("role", DUTIES)
def test_a_narrow_role_holds_its_duties_and_nothing_else(role: Role) -> None:
    assert {scope.value for scope in MATRIX[role]} == DUTIES[role]


def test_duties_stay_apart() -> None:
    """No role both makes payouts and approves them, keeps the register and the money, or makes people and uses them."""
    for role in Role:
        assert sum(may(role, Scope(scope)) for scope in APART) <= 1, role


async def test_each_route_and_page_is_open_to_the_roles_of_its_row_and_to_no_other(api: Api, trials) -> None:
    tokens = await sessions_by_role(api.core)
    rows = [row for row in route_needs(create_app(None)) if row.known and row.path != "/v1/sessions/current"]  # type: ignore[arg-type]
    before = await api.row_counts()
    wrong = []

    for row in rows:
        path = re.sub(r"\{[^}]*\}", NOWHERE, row.path)
        nobody = await api.call(row.method, path, token="")
        if (nobody.status, nobody.code) != (401, "unauthorized"):
            wrong.append((row.method, row.path, "nobody", nobody.status))
        for role, token in tokens.items():
            answer = await api.call(row.method, path, token=token)
            allowed = may(role, row.scope)
            if allowed != (answer.status != 403) or (allowed and answer.status not in (200, 404, 422)):
                wrong.append((row.method, row.path, role.value, answer.status))

    after = await api.row_counts()
    refusals = await api.events_of_type("action.refused")
    assert wrong == []
    assert after | {"event": after["event"] - len(refusals)} == before
    trials(len(rows) * (len(tokens) + 1))


def test_each_command_is_open_to_the_roles_of_its_row_and_to_no_other(
    tmp_path: Path, database_dsn: str, trials
) -> None:
    line = CommandLine(tmp_path, database_dsn)
    people: Company = company(line)
    rows = {name: row for name, row in verb_needs(command_line).items() if row.scope is not None}
    assert set(ARGUMENTS) == set(rows), "a command without arguments to try it with"
    wrong = []

    for name, row in rows.items():
        words = [*name.split(), *ARGUMENTS[name](tmp_path)]
        nobody = line(*words, typed="")
        if ("[unauthorized]" in nobody.err) != row.signed_in:
            wrong.append((name, "nobody", nobody.err))
        for role, token in people.tokens.items():
            answer = line(*words, env={"REWARDRAILS_TOKEN": token}, typed="")
            if may(role, row.scope) == ("[forbidden]" in answer.err and "lacks the scope" in answer.err):
                wrong.append((name, role.value, answer.err))
            if "unexpected" in answer.err or "[unauthorized]" in answer.err or answer.code == 2:
                wrong.append((name, role.value, answer.err))

    assert wrong == []
    trials(len(rows) * (len(people.tokens) + 1))


def test_a_route_or_command_without_a_row_is_refused() -> None:
    @get("/v1/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(LookupError, match="GET /v1/forgotten"):
        route_needs(Litestar([forgotten]))
    with pytest.raises(LookupError, match="does not say what it needs"):
        needs_of(forgotten)
