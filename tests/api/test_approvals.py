"""Approval by people over HTTP: one by one or a batch as it was seen, never by the author."""

from rewardrails.engine.batches import start_chunk
from rewardrails.security.keys import Scope
from tests.api.client import HEADER, Api
from tests.api.test_gates import api_with, standing
from tests.support import season

TWO_PEOPLE = season.CONFIG + '[[approvals]]\nname = "large"\nneeds = 2\nasset = "EUR"\nabove = "20.00"\n'


async def test_a_large_payout_goes_on_when_two_keys_other_than_its_author_have_signed(database_dsn: str) -> None:
    async with api_with(database_dsn, TWO_PEOPLE) as api:
        ann, ben = await api.key_with({Scope.APPROVE}), await api.key_with({Scope.APPROVE})
        small, large = await api.payout(1, amount="20.00"), await api.payout(2, amount="20.01")
        wanted = await api.seen(large)

        waiting = (await api.get("/v1/approvals")).json["waiting"]
        by_its_author = await api.post("/v1/approvals", wanted)
        first = await api.post("/v1/approvals", wanted, token=ann)
        again = await api.post("/v1/approvals", wanted, token=ann)
        second = await api.post("/v1/approvals", wanted, token=ben)
        late = await api.post("/v1/approvals", wanted, token=ben)

        assert [(one["payouts"], one["amount"], one["amount_minor"]) for one in waiting] == [(1, "20.01", "2001")]
        assert (by_its_author.status, by_its_author.code) == (403, "forbidden")
        stands = [answer.json["payouts"][0]["state"] for answer in (first, again, second)]
        assert stands == ["awaiting_approval", "awaiting_approval", "ready"]
        assert (late.status, late.code) == (409, "state_conflict")
        assert (await standing(api, small), await standing(api, large)) == ("ready", "ready")
        assert (await api.get("/v1/approvals")).json == {"waiting": []}


async def test_of_several_payouts_none_is_signed_when_one_cannot_be(database_dsn: str) -> None:
    async with api_with(database_dsn, TWO_PEOPLE) as api:
        ann = await api.key_with({Scope.APPROVE})
        small, large = await api.payout(1), await api.payout(2, amount="20.01")
        nowhere = "00000000-0000-7000-8000-000000000000"

        with_a_ready_one = await api.post("/v1/approvals", await api.seen(large, small), token=ann)
        with_an_unknown_one = await api.post("/v1/approvals", await api.seen(large, nowhere), token=ann)
        too_many = await api.post("/v1/approvals", await api.seen(*[large] * 501), token=ann)

        answers = [(one.status, one.code) for one in (with_a_ready_one, with_an_unknown_one, too_many)]
        assert answers == [(409, "state_conflict"), (404, "not_found"), (422, "field_invalid")]
        assert (await api.row_counts())["sign_off"] == 0


async def test_a_batch_is_approved_as_it_was_seen_and_not_after_it_has_changed(database_dsn: str) -> None:
    async with api_with(database_dsn, TWO_PEOPLE) as api:
        ann, ben = await api.key_with({Scope.APPROVE}), await api.key_with({Scope.APPROVE})
        batch_id = await started_batch(api, ["20.01", "30.00", "1.00"])
        await api.payout(9, amount="40.00")
        totals = f"/v1/approvals?batch_id={batch_id}"
        seen = (await api.get(totals)).json["waiting"]
        path = f"/v1/batches/{batch_id}/approve"

        first = await api.post(path, {"seen": seen}, token=ann)
        one_gone = (await api.get(f"/v1/payouts?batch_id={batch_id}&state=awaiting_approval")).json["payouts"][0]["id"]
        await api.post(f"/v1/payouts/{one_gone}/cancel")
        changed = await api.post(path, {"seen": seen}, token=ben)
        left = (await api.get(totals)).json["waiting"]
        second = await api.post(path, {"seen": left}, token=ben)

        assert [(one["payouts"], one["amount_minor"]) for one in seen] == [(2, "5001")]
        assert (first.status, first.json["approved"], first.json["waiting"]) == (200, 2, seen)
        assert (changed.status, changed.code) == (409, "state_conflict")
        assert (second.status, second.json["approved"], second.json["waiting"]) == (200, 1, [])
        assert [one["payouts"] for one in (await api.get("/v1/approvals")).json["waiting"]] == [1]


async def test_what_was_seen_must_agree_with_itself(api: Api) -> None:
    seen = {"pool": "season-eur", "asset": "EUR", "provider": None, "digest": "0" * 64, "payouts": 1}
    seen |= {"amount_minor": "100", "amount": "2.00"}
    batch_id = "00000000-0000-7000-8000-000000000000"

    answer = await api.post(f"/v1/batches/{batch_id}/approve", {"seen": [seen]})
    unknown = await api.post(f"/v1/batches/{batch_id}/approve", {"seen": [seen | {"amount": "1.00"}]})

    assert (answer.status, answer.json["field"]) == (422, "seen[0].amount")
    assert (unknown.status, (await api.get(f"/v1/approvals?batch_id={batch_id}")).status) == (404, 404)


async def started_batch(api: Api, amounts: list[str]) -> str:
    lines = (
        f"b-{number},player:{number},season,{amount},EUR,DE,paypal_email,p{number}@example.org,\n"
        for number, amount in enumerate(amounts)
    )
    made = await api.post(
        "/v1/batches?name=b", raw=(HEADER + "".join(lines)).encode(), headers={"Content-Type": "text/csv"}
    )
    await api.post(f"/v1/batches/{made.json['id']}/start")
    await start_chunk(api.core)
    return made.json["id"]
