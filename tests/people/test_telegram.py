"""Signing in through a Telegram Mini App: believed only as Telegram signs it, for minutes, once, for people we know."""

import asyncio
import hashlib
import hmac
import json
from urllib.parse import quote, urlencode

import pytest

from rewardrails import clock
from rewardrails.security import operators
from rewardrails.security.roles import Role
from tests.api.client import Api
from tests.support.people import NewOperator, person

pytestmark = [pytest.mark.promise("G7")]
BOT_TOKEN = "123456:AAF-bot-token"
USER = 4_200_000_001


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BOT_TOKEN", BOT_TOKEN)
    return '[sign_in]\ntries_per_address = 1000\n[sign_in.telegram]\nbot_token = "env:BOT_TOKEN"\n'


def fields(*, age_seconds: float = 0, user: int = USER, **more: str) -> dict[str, str]:
    told = {"id": user, "first_name": "Ann & Co = ü", "language_code": "de"}
    return {
        "query_id": "AAE",
        "user": json.dumps(told, ensure_ascii=False),
        "auth_date": str(int(clock.now().timestamp() - age_seconds)),
        **more,
    }


def signed(given: dict[str, str], token: str = BOT_TOKEN) -> str:
    """As core.telegram.org/bots/webapps says it."""
    lines = "\n".join(f"{name}={given[name]}" for name in sorted(given))
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    return urlencode({**given, "hash": hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()}, quote_via=quote)


async def knock(api: Api, init_data: str):
    return await api.post("/v1/sign-in/telegram", {"init_data": init_data}, token="", key=None)


async def ann(api: Api) -> str:
    await person(api.core, Role.ADMIN, name="first admin")
    new = NewOperator(name="ann", roles=frozenset({Role.APPROVER}), telegram_id=USER)
    return str((await operators.add(api.core.database, api.core.vault, new, actor="test")).operator_id)


async def test_a_known_telegram_user_comes_in_once_with_each_init_data(api: Api) -> None:
    who, data = await ann(api), signed(fields())

    first, again = await knock(api, data), await knock(api, data)
    reordered = await knock(api, "&".join(reversed(data.split("&"))))
    me = (await api.get("/v1/me", token=first.json["token"])).json

    assert (first.status, again.status, reordered.status) == (201, 401, 401)
    assert (me["actor"], me["roles"]) == (f"operator:{who}", ["approver"])


async def test_of_many_with_the_same_init_data_at_once_one_comes_in(api: Api, trials) -> None:
    await ann(api)
    data = signed(fields())

    answers = await asyncio.gather(*(knock(api, data) for _ in range(8)))

    assert sorted(answer.status for answer in answers) == [201] + [401] * 7
    trials(8)


@pytest.mark.incident("I22", "I23")
async def test_what_telegram_did_not_sign_for_this_bot_just_now_opens_nothing(api: Api, trials) -> None:
    await ann(api)
    good = fields()
    data = signed(good)
    name, _, told = data.rpartition("hash=")
    forged = {
        "another bot": signed(good, "123456:another"),
        "an empty token": signed(good, ""),
        "too old": signed(fields(age_seconds=301)),
        "of the future": signed(fields(age_seconds=-31)),
        "no date": signed({key: value for key, value in good.items() if key != "auth_date"}),
        "a date that is none": signed(good | {"auth_date": "1e9"}),
        "a date with a sign": signed(good | {"auth_date": "+" + good["auth_date"]}),
        "no user": signed({key: value for key, value in good.items() if key != "user"}),
        "a user who is none": signed(good | {"user": "[]"}),
        "a user by name": signed(good | {"user": '{"id": "4200000001"}'}),
        "a stranger": signed(fields(user=7)),
        "another user put in": data.replace(str(USER), "7"),
        "a field twice": data + "&user=" + quote(good["user"]),
        "a date twice": data + "&auth_date=" + good["auth_date"],
        "a hash twice": f"{data}&hash={told}",
        "a field more": data + "&x=1",
        "no hash": name.rstrip("&"),
        "an empty hash": name + "hash=",
        "a shorter hash": data[:-2],
        "an upper-case hash": name + "hash=" + told.upper() if told.upper() != told else "x=1",
        "another hash": name + "hash=" + ("0" * 64),
        "no query": "hello",
        "nothing but signs": "&&==&",
    }
    wrong = [what for what, text in forged.items() if (await knock(api, text)).status != 401]

    assert wrong == []
    assert (await knock(api, data)).status == 201
    trials(len(forged))


async def test_any_changed_character_of_signed_init_data_opens_nothing(api: Api, trials) -> None:
    await ann(api)
    data = signed(fields())
    changed = [data[:at] + ("0" if data[at] != "0" else "1") + data[at + 1 :] for at in range(0, len(data), 5)]

    answers = [await knock(api, text) for text in changed]

    assert {answer.status for answer in answers} == {401}
    trials(len(changed))


async def test_a_disabled_telegram_user_stays_out(api: Api) -> None:
    await ann(api)
    await operators.disable(api.core.database, "ann", actor="test")

    assert (await knock(api, signed(fields()))).status == 401


class TestWithoutABot:
    @pytest.fixture
    def configured(self) -> str:
        return ""

    async def test_there_is_no_such_way_in(self, api: Api) -> None:
        answer = await knock(api, signed(fields()))

        assert (answer.status, answer.code) == (404, "not_found")
