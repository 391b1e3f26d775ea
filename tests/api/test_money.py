"""Pools, quotes and payouts over HTTP."""

import asyncio

import pytest

from rewardrails import RewardRails
from rewardrails.errors import ErrorCode, RewardRailsError
from tests.api.client import REWARD, Api, running_api
from tests.support import season


async def test_a_pool_is_opened_funded_and_withdrawn_from(api: Api) -> None:
    pool = (await api.post("/v1/pools", {"name": "grant", "asset": "EUR"})).json
    path = f"/v1/pools/{pool['id']}"

    funded = await api.post(f"{path}/fundings", {"source": "grant", "amount": "100.00", "reference": "g-1"})
    taken = await api.post(f"{path}/withdrawals", {"source": "grant", "amount": "40", "reference": ""})

    assert (funded.status, taken.status) == (201, 201)
    assert funded.json["amount_minor"] == "10000"
    read = (await api.get(path)).json
    assert read["available"] == read["funded"] == {"amount": "60.00", "amount_minor": "6000"}


@pytest.mark.promise("G3")
async def test_more_than_a_source_gave_cannot_be_withdrawn(api: Api) -> None:
    pool = (await api.get("/v1/pools")).json["pools"][0]

    answer = await api.post(f"/v1/pools/{pool['id']}/withdrawals", {"source": "ads", "amount": "1"})

    assert (answer.status, answer.code) == (409, "pool_exhausted")


async def test_players_entry_fees_cannot_fund_a_pool(api: Api) -> None:
    pool = (await api.get("/v1/pools")).json["pools"][0]

    answer = await api.post(f"/v1/pools/{pool['id']}/fundings", {"source": "entry_fee", "amount": "1"})

    assert (answer.status, answer.json["field"]) == (422, "source")


async def test_pools_are_listed_page_by_page(api: Api) -> None:
    first = (await api.get("/v1/pools?limit=1")).json
    second = (await api.get(f"/v1/pools?limit=1&cursor={first['next_cursor']}")).json

    assert {first["pools"][0]["name"], second["pools"][0]["name"]} == {"season-eur", "season-usd"}
    assert second["next_cursor"] is None


async def test_a_payout_is_taken_on_and_can_be_read_with_its_history(api: Api) -> None:
    payout_id = await api.payout()
    await season.send_all(api.core)

    read = (await api.get(f"/v1/payouts/{payout_id}")).json

    assert (read["state"], read["amount"], read["amount_minor"]) == ("paid", "12.50", "1250")
    assert read["destination_masked"] == "p***@example.org"
    assert [attempt["state"] for attempt in read["attempts"]] == ["settled"]
    assert [seen["status"] for seen in read["observations"]] == ["paid"]
    assert read["history"][0]["type"] == "payout.accepted"


@pytest.mark.promise("G6")
async def test_no_answer_shows_a_whole_destination_to_a_reader(api: Api) -> None:
    payout_id = await api.payout()

    answers = [await api.get(path) for path in ("/v1/payouts", f"/v1/payouts/{payout_id}", "/v1/events")]

    assert not any(REWARD["destination"].encode() in answer.body for answer in answers)


async def test_payouts_are_filtered_and_paged(api: Api) -> None:
    for number in range(3):
        await api.payout(number)
    await api.payout(9, campaign="other", player_id="somebody")

    async def numbers(query: str) -> list[str]:
        return [one["reward_id"] for one in (await api.get(f"/v1/payouts?{query}")).json["payouts"]]

    assert await numbers("campaign=season&state=ready") == ["r-2", "r-1", "r-0"]
    assert await numbers("player_id=somebody&provider=two") == ["r-9"]
    assert await numbers("reward_id=r-1") == ["r-1"]
    assert await numbers("state=paid") == []
    page = (await api.get("/v1/payouts?limit=3")).json
    assert await numbers(f"limit=3&cursor={page['next_cursor']}") == ["r-0"]


async def test_a_quote_fixes_provider_and_fee_of_one_payout(api: Api) -> None:
    api.core.providers["one"].fee_minor = 30  # type: ignore[attr-defined]
    asked = {name: value for name, value in REWARD.items() if name != "reward_id"}
    quote = await api.post("/v1/quotes", asked)
    assert (quote.status, quote.json["fee"]["amount"], quote.json["total"]["amount"]) == (201, "0.30", "12.80")

    payout_id = await api.payout(quote_id=quote.json["id"])
    again = await api.post("/v1/payouts", REWARD | {"reward_id": "r-2", "quote_id": quote.json["id"]})

    assert (await api.get(f"/v1/payouts/{payout_id}")).json["fee_ceiling"]["amount"] == "0.30"
    assert (again.status, again.code, again.json["field"]) == (409, "quote_expired", "quote_id")


async def test_a_quote_is_good_for_nothing_else(api: Api) -> None:
    asked = {name: value for name, value in REWARD.items() if name != "reward_id"}
    quote = (await api.post("/v1/quotes", asked)).json

    answer = await api.post("/v1/payouts", REWARD | {"amount": "13", "quote_id": quote["id"]})

    assert (answer.status, answer.code, answer.json["field"]) == (422, "field_invalid", "quote_id")


@pytest.mark.promise("G3")
@pytest.mark.incident("I21")
async def test_payouts_beyond_the_pool_are_refused_one_by_one_and_leave_no_trace(api: Api) -> None:
    await api.post("/v1/pools", {"name": "x", "asset": "EUR"})
    before = await api.row_counts()

    answers = await asyncio.gather(
        *(api.post("/v1/payouts", REWARD | {"reward_id": f"b-{n}", "amount": "9999999.00"}) for n in range(3))
    )

    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    after = await api.row_counts()
    assert (after["payout"], after["idempotency"]) == (before["payout"] + 1, before["idempotency"] + 1)


async def test_a_pool_holds_redeemable_assets_only(database_dsn: str) -> None:
    config = season.CONFIG + "[assets.POINTS]\nexponent = 0\n"
    async with season.opened_core(database_dsn, [], config=config) as core, running_api(core) as api:
        answer = await api.post("/v1/pools", {"name": "points", "asset": "POINTS"})

        assert (answer.status, answer.code) == (422, "asset_not_redeemable")
        with pytest.raises(RewardRailsError) as refused:
            await RewardRails(core, actor="test").create_pool("points", "POINTS")
    assert refused.value.code is ErrorCode.ASSET_NOT_REDEEMABLE
