"""Signing in with name, password and code: each code once, every refusal alike, every session bounded and ended at once."""

import asyncio
import json
from datetime import timedelta
from statistics import median

import asyncpg
import pytest

from rewardrails import clock
from rewardrails.errors import FieldInvalid, Forbidden, Unauthorized
from rewardrails.secrets import Secret
from rewardrails.security import operators, sessions
from rewardrails.security.roles import Role
from rewardrails.security.sessions import Method
from rewardrails.security.sign_in import SignIn
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql
from tests.api.client import Api
from tests.support.people import PASSWORD, Person, person

pytestmark = [pytest.mark.promise("G7")]
COOKIE = "__Host-rr_session"


async def signed_in(api: Api, who: Person, **changes: str):
    return await api.post("/v1/sessions", who.proof() | changes, token="", key=None)


async def test_who_signs_in_is_known_by_name_until_they_sign_out(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER, Role.SUPPORT)
    session = await signed_in(api, ann)
    token = session.json["token"]

    me = (await api.get("/v1/me", token=token)).json
    pools = await api.get("/v1/pools", token=token)
    out = await api.call("DELETE", "/v1/sessions/current", token=token, key=None)
    after = await api.get("/v1/pools", token=token)

    assert (session.status, session.headers["Cache-Control"]) == (201, "no-store")
    assert (me["actor"], me["roles"]) == (ann.actor, ["support", "viewer"])
    assert (pools.status, out.status, after.status, after.code) == (200, 204, 401, "unauthorized")


@pytest.mark.promise("G6")
async def test_every_wrong_sign_in_is_answered_in_the_same_words(api: Api) -> None:
    ann, gone = await person(api.core, Role.VIEWER), await person(api.core, Role.VIEWER, name="gone")
    await operators.disable(api.core.database, "gone", actor="test")
    wrong_code = str((int(ann.code()) + 1) % 10**6).zfill(6)

    answers = [
        await signed_in(api, ann, name="nobody"),
        await signed_in(api, ann, password="wrong horse battery"),
        await signed_in(api, ann, totp=wrong_code),
        await signed_in(api, ann, totp=ann.code(-2)),
        await signed_in(api, ann, totp=ann.code(2)),
        await signed_in(api, ann, password="x" * 256),
        await signed_in(api, gone),
    ]

    assert {(answer.status, answer.code, answer.json["detail"]) for answer in answers} == {
        (401, "unauthorized", answers[0].json["detail"])
    }


@pytest.mark.parametrize("drift", [-1, 0, 1])
async def test_a_code_one_step_early_or_late_is_taken_and_none_at_or_before_it_again(api: Api, drift: int) -> None:
    ann = await person(api.core, Role.VIEWER)

    first = await signed_in(api, ann, totp=ann.code(drift))
    again = await signed_in(api, ann, totp=ann.code(drift))
    earlier = await signed_in(api, ann, totp=ann.code(drift - 1))

    assert [answer.status for answer in (first, again, earlier)] == [201, 401, 401]


async def test_of_many_who_send_one_code_at_once_one_comes_in(api: Api, trials) -> None:
    ann = await person(api.core, Role.VIEWER)
    proof = ann.proof()

    answers = await asyncio.gather(*(api.post("/v1/sessions", proof, token="", key=None) for _ in range(8)))

    assert sorted(answer.status for answer in answers) == [201] + [401] * 7
    trials(len(answers))


async def test_a_name_nobody_has_takes_as_long_as_a_wrong_password(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)

    async def seconds(name: str) -> float:
        started = clock.monotonic()
        await signed_in(api, ann, name=name, password="wrong horse battery")
        return clock.monotonic() - started

    known = [await seconds("ann") for _ in range(4)]
    unknown = [await seconds("nobody") for _ in range(4)]

    assert median(unknown) > median(known) / 3  # without a hash to compare it would be a hundredth


@pytest.mark.promise("G6")
async def test_neither_password_nor_code_secret_nor_token_is_stored_or_told(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    session = (await signed_in(api, ann)).json
    await signed_in(api, ann, name="secret typed as a name")

    async with api.core.database.reading() as connection:
        rows = await connection.fetch(
            "SELECT row_to_json(operator)::text AS told FROM operator UNION ALL"
            " SELECT row_to_json(operator_session)::text FROM operator_session UNION ALL"
            " SELECT row_to_json(event)::text FROM event UNION ALL SELECT row_to_json(sign_in_limit)::text FROM sign_in_limit"
        )
    kept = "".join(row["told"] for row in rows)

    for secret in (
        PASSWORD,
        ann.authenticator.secret,
        session["token"],
        session["csrf_token"],
        "secret typed as a name",
    ):
        assert secret not in kept
    assert "$argon2id$" in kept


@pytest.mark.incident("I25")
async def test_sign_ins_and_refusals_are_events_under_the_persons_name(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    await signed_in(api, ann, password="wrong horse battery")
    token = (await signed_in(api, ann)).json["token"]
    await api.call("DELETE", "/v1/sessions/current", token=token, key=None)

    async with api.core.database.reading() as connection:
        rows = await connection.fetch(
            "SELECT type, actor, data::text AS data FROM event WHERE type ~ 'sign' ORDER BY n"
        )

    assert [(row["type"], row["actor"]) for row in rows] == [
        ("sign_in.refused", "sign-in"),
        ("operator.signed_in", ann.actor),
        ("operator.signed_out", ann.actor),
    ]
    assert json.loads(rows[0]["data"]) == {"method": "password", "operator": ann.id}


async def test_a_disabled_person_is_out_at_once_and_in_again_only_with_a_new_password(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    token = (await signed_in(api, ann)).json["token"]

    await operators.disable(api.core.database, "ann", actor="test")

    assert (await api.get("/v1/pools", token=token)).status == 401
    assert (await signed_in(api, ann, totp=ann.code(1))).status == 401


async def test_roles_count_from_the_next_request_on(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    token = (await signed_in(api, ann)).json["token"]
    pool = {"name": "mine", "asset": "EUR"}
    before = await api.post("/v1/pools", pool, token=token)

    await operators.set_roles(api.core.database, "ann", frozenset({Role.TREASURER}), actor="test")

    assert (before.status, (await api.post("/v1/pools", pool, token=token)).status) == (403, 201)


@pytest.mark.parametrize(
    ("column", "back"), [("seen_at", timedelta(minutes=61)), ("expires_at", timedelta(hours=13))], ids=["idle", "old"]
)
async def test_a_session_that_rests_or_grows_old_is_over(api: Api, column: str, back: timedelta) -> None:
    ann = await person(api.core, Role.VIEWER)
    token = (await signed_in(api, ann)).json["token"]
    async with api.core.database.transaction() as tx:
        await tx.execute(f"UPDATE operator_session SET {column} = {column} - $1::interval", back)

    assert (await api.get("/v1/me", token=token)).status == 401


async def test_a_cookie_reads_and_changes_only_together_with_the_pages_token(api: Api) -> None:
    ann, bob = await person(api.core, Role.TREASURER), await person(api.core, Role.TREASURER, name="bob")
    session = await signed_in(api, ann)
    other = (await signed_in(api, bob)).json["csrf_token"]
    cookie = session.headers["Set-Cookie"]
    sent = {"Cookie": f"{COOKIE}={session.json['token']}"}
    pool = {"name": "mine", "asset": "EUR"}

    read = await api.get("/", token="", headers=sent)
    forged = [
        await api.post("/v1/pools", pool, token="", headers={**sent, **csrf})
        for csrf in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": other})
    ]
    changed = await api.post("/v1/pools", pool, token="", headers={**sent, "X-CSRF-Token": session.json["csrf_token"]})

    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"))
    assert "Domain" not in cookie
    assert read.status == 200
    assert [(answer.status, answer.code) for answer in forged] == [(403, "forbidden")] * 4
    assert changed.status == 201


async def test_a_password_that_is_replaced_while_it_is_looked_at_opens_nothing(api: Api) -> None:
    """Between the look at the hash and the session lies time; what holds at its end counts."""
    ann = await person(api.core, Role.VIEWER)
    held = await api.core.database._pool.acquire()
    try:
        await held.execute("BEGIN")
        await held.execute("UPDATE operator SET password_hash = 'another' WHERE name = 'ann'")
        trying = asyncio.create_task(signed_in(api, ann))
        await asyncio.sleep(0.5)  # the code's step waits for the row
        await held.execute("COMMIT")
    finally:
        await api.core.database._pool.release(held)

    assert (await trying).status == 401


async def test_nobody_changes_or_disables_themselves_and_the_first_person_is_an_admin(api: Api) -> None:
    with pytest.raises(FieldInvalid, match="first person has to be an admin"):
        await operators.add(
            api.core.database,
            api.core.vault,
            operators.NewOperator(name="x", roles=frozenset({Role.VIEWER}), telegram_id=7),
            actor="test",
        )
    ann = await person(api.core, Role.ADMIN)

    for act in (
        operators.disable(api.core.database, "ann", actor=ann.actor),
        operators.set_roles(api.core.database, "ann", frozenset({Role.APPROVER}), actor=ann.actor),
    ):
        with pytest.raises(Forbidden, match="another admin does it"):
            await act


async def test_no_session_of_the_old_password_is_opened_while_another_is_given(api: Api) -> None:
    """The reset comes after the proof was looked at and before the session is there."""
    await person(api.core, Role.ADMIN)
    ways = SignIn(api.core.database, api.core.vault, api.core.config.sign_in)
    async with api.core.database.reading() as connection:
        ann = await connection.fetchrow(sql("operator_by_name"), "ann")

    async def find(_: Connection) -> asyncpg.Record:
        await operators.reset(api.core.database, api.core.vault, "ann", Secret("another horse battery"), actor="test")
        return ann

    with pytest.raises(Unauthorized):
        await ways.open(Method.PASSWORD, find)


async def test_a_reset_waits_for_a_session_that_is_being_opened_and_ends_it(api: Api) -> None:
    await person(api.core, Role.ADMIN)
    async with api.core.database.transaction() as tx:
        ann = await tx.fetchrow(sql("hold_operator"), (await tx.fetchval("SELECT id FROM operator")))
        waiting = asyncio.create_task(
            operators.reset(api.core.database, api.core.vault, "ann", Secret("another horse battery"), actor="test")
        )
        _, still = await asyncio.wait([waiting], timeout=1.5)
        opened = await sessions.open_within(tx, api.core.vault, api.core.config.sign_in, ann, Method.PASSWORD)
    await waiting

    assert still == {waiting}
    with pytest.raises(Unauthorized):
        await sessions.authenticate(api.core.database, api.core.vault, opened.token.reveal())
