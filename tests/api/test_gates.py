"""The gates over HTTP: what is allowed, what is known, and why a payout stands where it stands."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from rewardrails.domain.policy.judge import GATES
from rewardrails.engine.gates.again import judge_due
from rewardrails.intake import address_lists
from rewardrails.security.keys import Scope
from tests.api.client import Api, SignedRail, running_api
from tests.api.test_bad_input import APPROVAL, CHECK, RISK
from tests.support import season
from tests.support.scripted_rail import CAPABILITIES

CHAIN = replace(CAPABILITIES, needs_legal_approval=True)
NEEDS_KYC = season.CONFIG.replace("[campaigns.season]", '[campaigns.season]\nrequires = ["kyc", "sanctions"]')
RISKY = season.CONFIG + "[risk]\nhold_from = 70\n"
LIMITED = season.CONFIG + '[[limits]]\nname = "day"\nper = "player"\nhours = 24\nasset = "EUR"\nmax_amount = "30.00"\n'
VALUED = season.CONFIG + '[[limits]]\nname = "value"\nper = "payout"\nmax_amount = "30.00"\n'
LISTS = "/v1/address-lists?name=sdn&kind=sanctions&source=treasury"
DATED = "&dated=2026-01-02T00:00:00Z"
TELLING = ("sanction", "list", "screen", "legal", "risk", "limit", "kyc", "complian", "approv", "block")
NO_MOMENTS = ("2030-01-01T00:00:00", "2030-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "soon")


@asynccontextmanager
async def api_with(dsn: str, config: str = season.CONFIG, **rail: Any) -> AsyncIterator[Api]:
    async with (
        season.opened_core(dsn, [SignedRail("one", **rail)], config=config) as core,
        running_api(core) as running,
    ):
        yield running


async def explained(api: Api, payout_id: str) -> dict[str, Any]:
    answer = await api.get(f"/v1/payouts/{payout_id}/explain")
    assert answer.status == 200, answer.body
    return answer.json


async def standing(api: Api, payout_id: str) -> str:
    return (await api.get(f"/v1/payouts/{payout_id}")).json["state"]


# The legal register ---------------------------------------------------------------------------------------------------


async def test_an_approval_that_two_keys_gave_lets_payouts_through_until_it_is_revoked(database_dsn: str) -> None:
    async with api_with(database_dsn, capabilities=CHAIN) as api:
        second = await api.key_with({Scope.COMPLY})
        payout_id = await api.payout()
        recorded = await api.post("/v1/legal-approvals", APPROVAL | {"max_per_player": "12.50"})
        path = f"/v1/legal-approvals/{recorded.json['id']}"

        by_the_same = await api.post(f"{path}/confirm")
        confirmed = await api.post(f"{path}/confirm", token=second)
        await judge_due(api.core)
        let_through = await standing(api, payout_id)
        revoked = await api.post(f"{path}/revoke", {"reason": "the licence lapsed"})
        later = await api.post(f"{path}/confirm", token=second)
        await season.send_all(api.core)

        assert (recorded.status, recorded.json["confirmed_by"]) == (201, None)
        assert (by_the_same.status, by_the_same.code) == (403, "forbidden")
        assert confirmed.status == 200
        assert confirmed.json["confirmed_by"] not in (None, recorded.json["recorded_by"])
        assert (let_through, await standing(api, payout_id)) == ("ready", "held")
        assert (revoked.json["revoke_reason"], later.code) == ("the licence lapsed", "state_conflict")
        assert (await api.get("/v1/legal-approvals")).json["legal_approvals"] == [revoked.json]


async def test_an_approval_answers_what_was_recorded(api: Api) -> None:
    answer = (await api.post("/v1/legal-approvals", APPROVAL)).json

    assert answer["max_total"] == {"amount": "100.00", "amount_minor": "10000"}
    assert {name: answer[name] for name in APPROVAL if not name.startswith("max_")} == {
        name: value for name, value in APPROVAL.items() if not name.startswith("max_")
    }


NO_APPROVALS: list[tuple[dict[str, Any], str]] = [
    ({"assets": ["XYZ"]}, "assets[0]"),
    ({"assets": ["EUR", "USD"]}, "assets"),
    ({"assets": ["XYZ"], "max_total": None, "max_per_player": None}, "assets"),
    ({"campaigns": ["nowhere"]}, "campaigns"),
    ({"jurisdictions": ["DE", "Germany"]}, "jurisdictions[1]"),
    ({"jurisdictions": ["de"]}, "jurisdictions[0]"),
    ({"document_sha256": "0f" * 31}, "document_sha256"),
    ({"document_sha256": "zz" * 32}, "document_sha256"),
    ({"document_reference": " "}, "document_reference"),
    ({"max_total": "0"}, "max_total"),
    ({"max_total": "1.001"}, "max_total"),
    ({"max_per_player": "-1"}, "max_per_player"),
    ({"valid_until": "2019-01-01T00:00:00Z"}, "valid_until"),
    *(({"valid_until": moment}, "valid_until") for moment in NO_MOMENTS),
    *(({"valid_from": moment}, "valid_from") for moment in NO_MOMENTS),
]


async def test_an_approval_that_cannot_be_meant_is_refused_by_field(api: Api) -> None:
    let_through = []

    for change, field in NO_APPROVALS:
        answer = await api.post("/v1/legal-approvals", APPROVAL | change)
        if (answer.status, answer.json.get("field")) != (422, field):
            let_through.append((change, answer.status, answer.body))

    assert let_through == []
    assert (await api.row_counts())["legal_approval"] == 0


async def test_an_approval_is_not_revoked_without_a_reason(api: Api) -> None:
    made = (await api.post("/v1/legal-approvals", APPROVAL)).json

    answer = await api.post(f"/v1/legal-approvals/{made['id']}/revoke", {"reason": "  "})

    assert (answer.status, answer.json["field"]) == (422, "reason")
    assert (await api.get("/v1/legal-approvals")).json["legal_approvals"][0]["revoked_at"] is None


# Players --------------------------------------------------------------------------------------------------------------


async def test_a_payout_goes_on_once_its_players_checks_have_passed(database_dsn: str) -> None:
    async with api_with(database_dsn, NEEDS_KYC) as api:
        payout_id, other = await api.payout(1), await api.payout(2, player_id="player:2")
        reports = [CHECK | {"kind": kind, "age": None} for kind in ("kyc", "sanctions")]

        taken = await api.post("/v1/players/checks", {"reports": reports})
        await judge_due(api.core)

        assert (taken.status, taken.json) == (200, {"reports": 2})
        assert (await standing(api, payout_id), await standing(api, other)) == ("ready", "held")


async def test_a_player_is_never_told_that_a_sanctions_check_failed(database_dsn: str) -> None:
    async with api_with(database_dsn, NEEDS_KYC) as api:
        reports = [CHECK | {"kind": "kyc"}, CHECK | {"kind": "sanctions", "result": "failed"}]
        await api.post("/v1/players/checks", {"reports": reports})
        payout_id = await api.payout()

        told = await explained(api, payout_id)

        assert told["holds"][0]["why"] == "the player's sanctions check is failed"
        assert told["player_text"] == "Your payout is being checked. You need not do anything."


async def test_a_risk_score_holds_at_the_threshold_and_a_lower_one_does_not(database_dsn: str) -> None:
    async with api_with(database_dsn, RISKY) as api:
        reports = [RISK | {"score": 70}, RISK | {"player_id": "player:2", "score": 69}]

        taken = await api.post("/v1/players/risk", {"reports": reports})

        assert (taken.status, taken.json) == (200, {"reports": 2})
        states = [await standing(api, await api.payout(n, player_id=f"player:{n}")) for n in (1, 2)]
        assert states == ["held", "ready"]


async def test_a_thousand_reports_are_taken_and_one_more_is_refused(api: Api) -> None:
    checks = [CHECK | {"player_id": f"player:{number}"} for number in range(1001)]
    risks = [RISK | {"player_id": f"player:{number}"} for number in range(1001)]

    full = [
        await api.post("/v1/players/checks", {"reports": checks[:1000]}),
        await api.post("/v1/players/risk", {"reports": risks[:1000]}),
    ]
    over = [
        await api.post("/v1/players/checks", {"reports": checks}),
        await api.post("/v1/players/risk", {"reports": risks}),
    ]

    assert [answer.status for answer in full] == [200, 200]
    assert [(answer.status, answer.json["field"]) for answer in over] == [(422, "reports")] * 2
    counts = await api.row_counts()
    assert (counts["player_check"], counts["player_risk"]) == (1000, 1000)


NO_CHECKS: list[tuple[dict[str, Any], str]] = [
    ({"age": None}, "age"),
    ({"age": 151}, "age"),
    ({"reference": " "}, "reference"),
    *(({"expires_at": moment}, "expires_at") for moment in NO_MOMENTS),
]


async def test_one_bad_report_is_named_by_its_place_and_none_is_taken(api: Api) -> None:
    let_through = []

    for change, field in NO_CHECKS:
        answer = await api.post("/v1/players/checks", {"reports": [CHECK, CHECK | change]})
        if (answer.status, answer.json.get("field")) != (422, f"reports[1].{field}"):
            let_through.append((change, answer.status, answer.body))

    assert let_through == []
    assert (await api.row_counts())["player_check"] == 0


# Lists of destinations ------------------------------------------------------------------------------------------------


async def test_a_loaded_list_stops_who_is_on_it_and_nobody_else(api: Api) -> None:
    loaded = await api.post(LISTS + DATED, raw=b"# of today\nplayer@EXAMPLE.org\n")
    hit, clear = await api.payout(1), await api.payout(2, destination="other@example.org")

    assert (loaded.status, loaded.json["kind"], len(loaded.json["sha256"])) == (201, "sanctions", 64)
    assert (await api.get("/v1/address-lists")).json == {"address_lists": [loaded.json]}
    assert (await standing(api, hit), await standing(api, clear)) == ("held", "ready")
    assert not [word for word in TELLING if word in (await explained(api, hit))["player_text"].lower()]
    refused = await api.post(f"/v1/payouts/{hit}/release", {"reason": "we know them"})
    assert (refused.status, refused.code) == (409, "state_conflict")


async def test_a_file_that_says_its_date_needs_none(api: Api) -> None:
    xml = b"""<sdnList xmlns="x"><publshInformation><Publish_Date>01/02/2026</Publish_Date></publshInformation>
      <id><idType>Digital Currency Address - XBT</idType><idNumber>abc</idNumber></id></sdnList>"""

    answer = await api.post(LISTS, raw=xml)

    assert (answer.status, answer.json["dated"]) == (201, "2026-01-02T00:00:00Z")


NO_LISTS = [
    (LISTS, b"a@example.org", "dated"),
    (LISTS + "&dated=2099-01-01T00:00:00Z", b"a@example.org", "dated"),
    (LISTS + "&dated=2026-01-02T00:00:00", b"a@example.org", "dated"),
    (LISTS + "&dated=0001-01-01T00:00:00Z", b"a@example.org", "dated"),
    (LISTS + "&dated=soon", b"a@example.org", "dated"),
    ("/v1/address-lists?name=sdn&source=s" + DATED, b"a@example.org", "kind"),
    ("/v1/address-lists?name=sdn&kind=bad&source=s" + DATED, b"a@example.org", "kind"),
    ("/v1/address-lists?kind=deny&source=s" + DATED, b"a@example.org", "name"),
    ("/v1/address-lists?name=&kind=deny&source=s" + DATED, b"a@example.org", "name"),
    ("/v1/address-lists?name=a%00&kind=deny&source=s" + DATED, b"a@example.org", "name"),
    ("/v1/address-lists?name=sdn&kind=deny" + DATED, b"a@example.org", "source"),
    (LISTS + "&more=1", b"a@example.org", "more"),
    (LISTS + DATED, b"", "body"),
    (LISTS + DATED, b"# nobody\n", "body"),
    (LISTS + DATED, b"\xff\xfe", "body"),
    (LISTS + DATED, b"<sdnList>", "body"),
    (LISTS + DATED, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "body"),
]


async def test_a_list_that_cannot_be_meant_is_refused_by_field(api: Api) -> None:
    let_through = []

    for path, raw, field in NO_LISTS:
        answer = await api.post(path, raw=raw)
        if (answer.status, answer.json.get("code"), answer.json.get("field")) != (422, "field_invalid", field):
            let_through.append((path, raw, answer.status, answer.body))

    assert let_through == []
    assert (await api.row_counts())["address_list"] == 0


async def test_a_list_larger_than_is_taken_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_lists, "MAX_BYTES", 20)

    by_the_reader = await api.post(LISTS + DATED, raw=b"a@example.org\nb@example.org\n")
    by_the_server = await api.post(LISTS + DATED, raw=io.BytesIO(b"a" * (64 * 1024**2 + 1)))

    refusals = [(answer.status, answer.json["field"]) for answer in (by_the_reader, by_the_server)]
    assert refusals == [(422, "body")] * 2


async def test_an_older_list_or_one_of_another_kind_never_replaces_one(api: Api) -> None:
    first = await api.post(LISTS + DATED, raw=b"a@example.org")

    older = await api.post(LISTS + "&dated=2026-01-01T00:00:00Z", raw=b"b@example.org")
    other = await api.post(LISTS.replace("sanctions", "deny") + "&dated=2026-01-03T00:00:00Z", raw=b"b@example.org")

    assert [(answer.status, answer.json["field"]) for answer in (older, other)] == [(422, "dated")] * 2
    assert (await api.get("/v1/address-lists")).json == {"address_lists": [first.json]}


async def test_a_list_under_one_key_is_loaded_once_and_another_file_is_refused(api: Api) -> None:
    first = await api.post(LISTS + DATED, raw=b"a@example.org", key="k")
    again = await api.post(LISTS + DATED, raw=b"a@example.org", key="k")
    other = await api.post(LISTS + DATED, raw=b"b@example.org", key="k")

    assert (again.status, again.body, other.code) == (201, first.body, "idempotency_key_reused")
    assert (await api.row_counts())["address_list"] == 1


# Rates ----------------------------------------------------------------------------------------------------------------


def rates(value: str, dated: str = "2026-01-02T00:00:00Z") -> dict[str, Any]:
    return {"rates": {"EUR": value}, "dated": dated, "source": "the central bank"}


async def test_rates_are_told_as_they_were_set_and_an_older_one_changes_nothing(api: Api) -> None:
    told = await api.post("/v1/rates", rates("1.0834"))

    older = await api.post("/v1/rates", rates("2", "2026-01-01T00:00:00Z"))

    assert told.status == 200
    assert [(rate["asset"], rate["value"]) for rate in told.json["rates"]] == [("EUR", "1.0834")]
    assert (await api.get("/v1/rates")).json == older.json == told.json


async def test_a_payout_whose_value_nobody_knows_goes_on_once_there_is_a_rate(database_dsn: str) -> None:
    async with api_with(database_dsn, VALUED) as api:
        payout_id = await api.payout()
        before = await explained(api, payout_id)
        async with api.core.database.reading() as connection:
            now = await connection.fetchval(
                "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
            )

        await api.post("/v1/rates", rates("1.5", now))
        await judge_due(api.core)

        assert (before["state"], before["holds"][0]["owner"]) == ("held", "treasurer")
        assert await standing(api, payout_id) == "ready"


NO_RATES: list[tuple[dict[str, Any], str]] = [
    *(
        ({"rates": {"EUR": value}}, "rates")
        for value in ("", "0", "-1", "1e3", "1e999999", "NaN", "Infinity", "1,5", "1_0", "\u0661", "1" * 21)
    ),
    ({"rates": {"XYZ": "1"}}, "rates"),
    ({"rates": {"\u0000": "1"}}, "rates"),
    ({"source": " "}, "source"),
    ({"dated": "2099-01-01T00:00:00Z"}, "dated"),
    *(({"dated": moment}, "dated") for moment in NO_MOMENTS),
]


async def test_rates_that_cannot_be_meant_are_refused_by_field(api: Api) -> None:
    let_through = []

    for change, field in NO_RATES:
        answer = await api.post("/v1/rates", rates("1") | change)
        if (answer.status, answer.json.get("field")) != (422, field):
            let_through.append((change, answer.status, answer.body))

    assert let_through == []
    assert (await api.row_counts())["rate"] == 0


# Why, and whose turn --------------------------------------------------------------------------------------------------


async def test_every_gate_says_why_and_what_to_do_and_the_player_learns_nothing_of_it(database_dsn: str) -> None:
    async with api_with(database_dsn, LIMITED) as api:
        payout_id = await api.payout(amount="30.01")

        told = await explained(api, payout_id)

        assert told["state"] == "held"
        assert len(told["gates"]) == len(GATES)
        (stop,) = [gate for gate in told["gates"] if gate["outcome"] != "pass"]
        assert (stop["gate"], stop["code"], stop["owner"]) == ("limits", "limit_exceeded", "compliance")
        assert stop["passes_at"] is not None
        assert all((stop["why"], stop["next_step"], stop["inputs"]))
        assert [(hold["gate"], hold["closed_at"]) for hold in told["holds"]] == [("limits", None)]
        assert not [word for word in TELLING if word in told["player_text"].lower()]


async def test_a_release_past_a_gate_takes_a_reason_which_stands_in_the_holds(database_dsn: str) -> None:
    async with api_with(database_dsn, LIMITED) as api:
        payout_id = await api.payout(amount="30.01")
        path = f"/v1/payouts/{payout_id}/release"

        without = await api.post(path)
        blank = await api.post(path, {"reason": " "})
        unnamed = await api.post(path, {"reason": "a winner of the finals"})
        overruling = {"reason": "a winner of the finals", "overrules": ["limits"]}
        by_its_author = await api.post(path, overruling)
        released = await api.post(path, overruling, token=await api.key_with({Scope.RELEASE}))

        assert [(answer.status, answer.code) for answer in (without, blank, unnamed)] == [(422, "proof_required")] * 3
        assert (by_its_author.status, by_its_author.code) == (403, "forbidden")
        assert (released.status, released.json["state"]) == (200, "ready")
        (hold,) = (await explained(api, payout_id))["holds"]
        assert hold["closed_by"].startswith("key:")


async def test_open_holds_come_oldest_first_page_by_page_and_filtered(database_dsn: str) -> None:
    async with api_with(database_dsn, RISKY) as api:
        await api.post("/v1/players/risk", {"reports": [RISK | {"score": 90}]})
        held = [await api.payout(number) for number in range(3)]
        await api.post(LISTS + DATED, raw=b"listed@example.org")
        listed = await api.payout(9, player_id="player:9", destination="listed@example.org")
        async with api.core.database.transaction() as tx:
            await tx.execute("UPDATE hold SET deadline_at = rr_now() - interval '1 s' WHERE payout_id = $1", held[1])

        pages, cursor = [], ""
        while cursor is not None:
            page = (await api.get(f"/v1/holds?limit=1{cursor and f'&cursor={cursor}'}")).json
            pages.append([hold["payout_id"] for hold in page["holds"]])
            cursor = page["next_cursor"]

        async def found(query: str) -> list[str]:
            return [hold["payout_id"] for hold in (await api.get(f"/v1/holds?{query}")).json["holds"]]

        # What is on a list is held by the list, and for a second look once it is on none.
        assert pages == [[payout_id] for payout_id in [*held, listed, listed]]
        assert await found("owner=compliance") == [listed, listed]
        assert await found("overdue=true") == [held[1]]
        assert await found("overdue=false&owner=operator") == [held[0], held[2]]


async def test_a_canceled_payout_has_no_open_hold(api: Api) -> None:
    payout_id = await api.payout()
    await api.post(f"/v1/payouts/{payout_id}/hold", {"cause": "asked by support"})
    assert len((await api.get("/v1/holds")).json["holds"]) == 1

    await api.post(f"/v1/payouts/{payout_id}/cancel")

    assert (await api.get("/v1/holds")).json["holds"] == []


async def test_figures_count_open_and_overdue_holds_by_gate(api: Api) -> None:
    for number in (1, 2):
        await api.post(f"/v1/payouts/{await api.payout(number)}/hold", {"cause": "x"})
    async with api.core.database.transaction() as tx:
        await tx.execute(
            "UPDATE hold SET deadline_at = rr_now() WHERE payout_id = (SELECT min(id::text)::uuid FROM payout)"
        )

    text = (await api.get("/metrics", token="")).body.decode()

    assert 'rewardrails_holds_open{gate="operator"} 2.0' in text
    assert 'rewardrails_holds_overdue{gate="operator"} 1.0' in text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/legal-approvals", APPROVAL),
        ("/v1/players/checks", {"reports": [CHECK]}),
        ("/v1/players/risk", {"reports": [RISK]}),
        ("/v1/rates", rates("1.25")),
    ],
)
async def test_a_request_under_one_key_is_done_once_and_answers_the_same(api: Api, path: str, body: Any) -> None:
    first = await api.post(path, body, key="k")
    before = await api.row_counts()
    again = await api.post(path, body, key="k")

    assert (first.status // 100, again.status, again.body) == (2, first.status, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await api.row_counts() == before
