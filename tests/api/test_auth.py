"""Who may do what: every route against every scope."""

import re

import pytest
from litestar import Litestar, get

from rewardrails.api.access import route_needs
from rewardrails.api.app import create_app
from rewardrails.security.keys import Scope, revoke_key
from rewardrails.security.scopes import with_implied
from tests.api.client import Api

pytestmark = [pytest.mark.promise("G7")]

MALFORMED = ["", "Bearer", "Bearer ", "Basic cnJfeA==", "Bearer rr_", "Bearer rr_\xe9" + "x" * 40, "rr_" + "x" * 43]
NOWHERE = "00000000-0000-7000-8000-000000000000"


def guarded() -> list[tuple[str, str, Scope]]:
    """Method, path and scope of every handler that asks for one."""
    rows = route_needs(create_app(None))  # type: ignore[arg-type] # no request is made
    under_v1 = [row for row in rows if row.path.startswith("/v1/") and row.scope is not None]
    return sorted((row.method, re.sub(r"\{[^}]*\}", NOWHERE, row.path), row.scope) for row in under_v1)


ROUTES = guarded()


def all_that_lack(scope: Scope) -> set[Scope]:
    """Every scope that neither is this one nor brings it along."""
    return {one for one in Scope if scope not in with_implied(frozenset({one}))}


@pytest.mark.promise("G7")
def test_every_route_under_v1_is_guarded_but_the_webhooks_and_the_ways_in() -> None:
    rows = route_needs(create_app(None))  # type: ignore[arg-type] # no request is made

    assert {row.path for row in rows if row.path.startswith("/v1") and not row.known} == {
        "/v1/webhooks",
        "/v1/sessions",
        "/v1/sign-in/telegram",
        "/v1/sign-in/oidc/{provider}",
        "/v1/sign-in/oidc/{provider}/callback",
    }
    assert len(ROUTES) == 57


@pytest.mark.promise("G7")
def test_a_route_that_says_nothing_of_what_it_needs_has_no_row_and_the_table_is_refused() -> None:
    @get("/v1/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(LookupError, match="GET /v1/forgotten"):
        route_needs(Litestar([forgotten]))


@pytest.mark.promise("G7")
async def test_every_route_is_closed_without_its_scope_and_open_with_it(api: Api, trials) -> None:
    """The whole matrix; a stranger's request moves no row, and what a key may not change is told in the log."""
    with_all_but = {scope: await api.key_with(all_that_lack(scope)) for scope in Scope}
    with_only = {scope: await api.key_with({scope}) for scope in Scope}
    before = await api.row_counts()
    wrong = []

    for method, path, scope in ROUTES:
        nobody = await api.call(method, path, token="")
        stranger = await api.call(method, path, token="rr_" + "x" * 43)
        others = await api.call(method, path, token=with_all_but[scope])
        owner = await api.call(method, path, token=with_only[scope])
        refusals = [(answer.status, answer.code) for answer in (nobody, stranger, others)]
        if refusals != [(401, "unauthorized"), (401, "unauthorized"), (403, "forbidden")]:
            wrong.append((method, path, refusals))
        if owner.status not in (200, 404, 422):
            wrong.append((method, path, owner.status))

    assert wrong == []
    after = await api.row_counts()
    refused = await api.events_of_type("action.refused")
    assert {**after, "event": after["event"] - len(refused)} == before
    masked = {Scope.READ, Scope.READ_OWN}
    assert len(refused) == sum(method != "GET" or scope not in masked for method, _, scope in ROUTES)
    trials(4 * len(ROUTES))


@pytest.mark.promise("G7")
async def test_a_malformed_authorization_is_unauthorized(api: Api) -> None:
    answers = [await api.get("/v1/pools", token="", headers={"Authorization": said}) for said in MALFORMED]

    assert {(answer.status, answer.code) for answer in answers} == {(401, "unauthorized")}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


@pytest.mark.promise("G7")
async def test_a_key_is_made_listed_used_and_dies_at_once_where_it_is_revoked(api: Api) -> None:
    made = (await api.post("/v1/keys", {"name": "game", "scopes": ["read"]}, key=None)).json
    assert (await api.get("/v1/pools", token=made["token"])).status == 200

    revoked = await api.post(f"/v1/keys/{made['id']}/revoke", key=None)

    assert (revoked.status, (await api.get("/v1/pools", token=made["token"])).status) == (204, 401)
    listed = (await api.get("/v1/keys")).json["keys"]
    assert [key["revoked_at"] is not None for key in listed] == [False, True]
    assert made["token"].encode() not in (await api.get("/v1/keys")).body


@pytest.mark.promise("G7")
async def test_a_key_revoked_elsewhere_dies_within_the_cache_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is bounded by a clock; with no time left in it the next request must look again."""
    made = (await api.post("/v1/keys", {"name": "game", "scopes": ["read"]}, key=None)).json
    monkeypatch.setattr("rewardrails.api.auth.CACHE_SECONDS", 0.0)
    assert (await api.get("/v1/pools", token=made["token"])).status == 200

    await revoke_key(api.core.database, made["id"], actor="test")

    assert (await api.get("/v1/pools", token=made["token"])).status == 401
