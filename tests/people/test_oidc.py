"""Signing in through an issuer: what it signed for us, for this very sign-in, of people we know; nothing else opens."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from rewardrails.security import operators
from rewardrails.security.roles import Role
from tests.api.client import Answer, Api, SignedRail, running_api
from tests.people.conftest import REAL
from tests.people.issuer import SECRET, Issuer, Token, b64, new_key, running_issuer
from tests.support.people import NewOperator, person
from tests.support.season import opened_core

pytestmark = [pytest.mark.promise("G7")]
SETTINGS = """
[sign_in]
public_url = "http://rewards.example"
tries_per_address = 1000
[sign_in.oidc.corp]
issuer = "%(issuer)s"
client_id = "rewardrails"
client_secret = "env:OIDC_SECRET"
allow_private = true
role_claim = "groups"
emails = { "Ann@example.org" = ["viewer"] }
subjects = { "bob-1" = ["support"] }
claimed = { "approvers" = ["approver"], "ops" = ["operator"] }
"""


@dataclass
class World:
    api: Api
    issuer: Issuer

    async def leave(self, provider: str = "corp") -> Answer:
        return await self.api.get(f"/v1/sign-in/oidc/{provider}", token="")

    async def come_back(self, said: dict[str, str], note: str, provider: str = "corp") -> Answer:
        headers = {"Cookie": note} if note else {}
        return await self.api.get(f"/v1/sign-in/oidc/{provider}/callback?{urlencode(said)}", token="", headers=headers)

    async def sign_in(self) -> Answer:
        left = await self.leave()
        return await self.come_back(self.issuer.consent(left.headers["Location"]), note_of(left))

    async def me(self, answer: Answer) -> dict[str, Any]:
        cookie = next(said for said in answer.headers.getall("Set-Cookie") if said.startswith("__Host-rr_session="))
        return (await self.api.get("/v1/me", token="", headers={"Cookie": cookie.partition(";")[0]})).json


def note_of(left: Answer) -> str:
    return left.headers["Set-Cookie"].partition(";")[0]


@pytest.fixture
async def world(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    async with running_issuer() as issuer:
        config = REAL + SETTINGS % {"issuer": issuer.url}
        async with opened_core(database_dsn, [SignedRail("one")], config=config) as core, running_api(core) as api:
            yield World(api, issuer)


async def test_somebody_the_configuration_names_comes_in_with_its_roles(world: World) -> None:
    left = await world.leave()
    back = await world.come_back(world.issuer.consent(left.headers["Location"]), note_of(left))
    me = await world.me(back)

    assert (left.status, back.status) == (303, 200)
    assert all(word in left.headers["Set-Cookie"] for word in ("__Host-", "Secure", "HttpOnly", "SameSite=lax"))
    assert (me["kind"], me["roles"], me["name"]) == ("operator", ["viewer"], "corp:ann-1")
    assert world.issuer.asked[0]["redirect_uri"] == "http://rewards.example/v1/sign-in/oidc/corp/callback"


@pytest.mark.parametrize(
    ("told", "roles"),
    [
        ({"sub": "bob-1"}, ["support"]),
        ({"sub": "x", "groups": ["approvers", "golf"]}, ["approver"]),
        ({"sub": "x", "groups": "ops"}, ["operator"]),
        ({"sub": "bob-1", "email": "ANN@example.org", "email_verified": True}, ["support", "viewer"]),
        ({"sub": "x"}, None),
        ({"sub": "x", "groups": ["golf"]}, None),
        ({"sub": "x", "groups": {"approvers": 1}}, None),
        ({"sub": "x", "email": "ann@example.org"}, None),
        ({"sub": "x", "email": "ann@example.org", "email_verified": "true"}, None),
        ({"sub": "x", "email": "ann@example.org", "email_verified": False}, None),
        ({"sub": "x", "email": "ann@example.org.evil", "email_verified": True}, None),
        ({"sub": "BOB-1"}, None),
    ],
)
async def test_roles_come_from_what_the_issuer_vouches_for_and_nobody_else_comes_in(
    world: World, told: dict[str, Any], roles: list[str] | None
) -> None:
    world.issuer.person = told

    answer = await world.sign_in()

    assert answer.status == (200 if roles else 401)
    if roles:
        assert (await world.me(answer))["roles"] == roles


def hmac_with_the_public_key(token: Token) -> None:
    token.header["alg"] = "HS256"
    token.signature = lambda text: hmac.digest(SECRET.encode(), text, hashlib.sha256)


def unsigned(token: Token) -> None:
    token.header["alg"] = "none"
    token.signature = lambda _: b""


def changes(**claims: Any) -> Callable[[Token], None]:
    def spoil(token: Token) -> None:
        for name, value in claims.items():
            if value is None:
                token.claims.pop(name, None)
            elif callable(value):
                token.claims[name] = value(token.claims[name])
            else:
                token.claims[name] = value

    return spoil


def another_key(token: Token) -> None:
    token.key = new_key()


def its_own_key(token: Token) -> None:
    token.key = new_key()
    numbers = token.key.public_key().public_numbers()
    token.header |= {"jwk": {"kty": "RSA", "n": b64(numbers.n.to_bytes(256)), "e": b64(numbers.e.to_bytes(3))}}


def spoiled_signature(token: Token) -> None:
    token.signature = lambda _: b"\0" * 256


def unknown_key_id(token: Token) -> None:
    token.header["kid"] = "gone"


def critical_header(token: Token) -> None:
    token.header |= {"crit": ["b64"], "b64": False}


SPOILED: dict[str, Callable[[Token], None]] = {
    "alg none": unsigned,
    "HS256 with the client's secret": hmac_with_the_public_key,
    "another key": another_key,
    "a key of its own in the header": its_own_key,
    "a spoiled signature": spoiled_signature,
    "an unknown key id": unknown_key_id,
    "a critical header": critical_header,
    "expired": changes(exp=lambda at: at - 400),
    "no expiry": changes(exp=None),
    "an expiry that is none": changes(exp="later"),
    "issued in the future": changes(iat=lambda at: at + 400),
    "not valid yet": changes(nbf=9_999_999_999),
    "another audience": changes(aud="another"),
    "no audience": changes(aud=None),
    "two audiences and no party": changes(aud=["rewardrails", "another"]),
    "another party": changes(azp="another"),
    "another issuer": changes(iss="http://127.0.0.1:1"),
    "no issuer": changes(iss=None),
    "another nonce": changes(nonce="another"),
    "no nonce": changes(nonce=None),
    "no subject": changes(sub=None),
    "an empty subject": changes(sub=""),
    "a subject that is none": changes(sub=7),
    "another access token": changes(at_hash="AAAA"),
}


@pytest.mark.incident("I22", "I23")
async def test_no_spoiled_id_token_opens_anything(world: World, trials) -> None:
    world.issuer.person |= {"groups": ["ops"]}
    let_in = []

    for what, spoil in SPOILED.items():
        world.issuer.spoil = spoil
        answer = await world.sign_in()
        if (answer.status, answer.code) != (401, "unauthorized") or "Set-Cookie" in answer.headers:
            let_in.append((what, answer.status))

    assert let_in == []
    assert await operators.list_operators(world.api.core.database) == []
    world.issuer.spoil = lambda _: None
    assert (await world.sign_in()).status == 200
    trials(len(SPOILED))


async def test_only_the_browser_that_left_comes_back_and_only_once(world: World) -> None:
    left, other = await world.leave(), await world.leave()
    said = world.issuer.consent(left.headers["Location"])
    tried = {
        "no note": await world.come_back(said, ""),
        "another browser's note": await world.come_back(said, note_of(other)),
        "a forged note": await world.come_back(said, note_of(left)[:-4] + "0000"),
        "a note that is none": await world.come_back(said, "__Host-rr_oidc=zz"),
        "another state": await world.come_back(said | {"state": "x"}, note_of(left)),
        "no state": await world.come_back({"code": said["code"]}, note_of(left)),
        "another issuer": await world.come_back(said | {"iss": "http://evil.example"}, note_of(left)),
        "no code": await world.come_back({"state": said["state"]}, note_of(left)),
        "an unknown code": await world.come_back(said | {"code": "x"}, note_of(left)),
        "refused there": await world.come_back({"state": said["state"], "error": "access_denied"}, note_of(left)),
    }

    first = await world.come_back(said | {"iss": world.issuer.url, "session_state": "x"}, note_of(left))
    again = await world.come_back(said, note_of(left))

    assert {what: answer.status for what, answer in tried.items()} == dict.fromkeys(tried, 401)
    assert (first.status, again.status) == (200, 401)


async def test_the_issuers_new_key_is_fetched_when_it_is_first_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewardrails.security.oidc_issuer.ASK_AGAIN_SECONDS", 0.0)
    await world.sign_in()

    world.issuer.key, world.issuer.kid = new_key(), "k2"

    assert (await world.sign_in()).status == 200


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "http://evil.example"},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 7},
    ],
)
async def test_an_issuer_that_tells_nonsense_of_itself_lets_nobody_in(world: World, discovery: dict[str, Any]) -> None:
    world.issuer.discovery = discovery

    left = await world.leave()
    status = left.status
    if status == 303:
        status = (await world.come_back(world.issuer.consent(left.headers["Location"]), note_of(left))).status

    assert status == 401


async def test_somebody_an_admin_added_keeps_the_roles_they_were_given_and_stays_out_when_disabled(
    world: World,
) -> None:
    core = world.api.core
    await person(core, Role.ADMIN, name="first admin")
    new = NewOperator(name="carol", roles=frozenset({Role.APPROVER}), oidc=(world.issuer.url, "carol-1"))
    await operators.add(core.database, core.vault, new, actor="test")
    world.issuer.person = {"sub": "carol-1", "groups": ["ops"]}

    roles = (await world.me(await world.sign_in()))["roles"]
    await operators.disable(core.database, "carol", actor="test")

    assert roles == ["approver"]
    assert (await world.sign_in()).status == 401


async def test_roles_follow_the_issuer_and_go_with_its_word(world: World) -> None:
    world.issuer.person = {"sub": "x", "groups": ["ops"]}
    first = await world.me(await world.sign_in())
    world.issuer.person = {"sub": "x", "groups": ["approvers"]}
    second = await world.me(await world.sign_in())
    world.issuer.person = {"sub": "x", "groups": []}

    assert (first["actor"], first["roles"], second["roles"]) == (second["actor"], ["operator"], ["approver"])
    assert (await world.sign_in()).status == 401


async def test_a_sign_in_that_brings_no_role_ends_the_sessions_of_before(world: World) -> None:
    world.issuer.person = {"sub": "x", "groups": ["ops"]}
    before = await world.sign_in()
    world.issuer.person = {"sub": "x", "groups": []}

    refused = await world.sign_in()

    assert (refused.status, (await world.me(before))["code"]) == (401, "unauthorized")
    assert len(await world.api.events_of_type("operator.sessions_ended")) == 1


async def test_an_issuer_nobody_configured_is_not_there(world: World) -> None:
    answers = (await world.leave("other"), await world.come_back({"code": "c", "state": "s"}, "", "other"))

    assert [answer.status for answer in answers] == [404, 404]
