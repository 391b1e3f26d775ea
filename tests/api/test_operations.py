"""What people do to payouts over HTTP."""

import pytest

from rewardrails.domain.outcome import OutcomeUnknown
from rewardrails.security.keys import Scope
from rewardrails.security.roles import MATRIX, Role
from tests.api.client import REWARD, Api, SignedRail, running_api
from tests.support import season


async def test_a_payout_is_held_and_released(api: Api) -> None:
    path = f"/v1/payouts/{await api.payout()}"

    held = await api.post(f"{path}/hold", {"cause": "asked by support"})
    released = await api.post(f"{path}/release")

    assert (held.json["state"], held.json["hold_cause"]) == ("held", "operator")
    assert released.json["state"] == "ready"


async def test_an_unsent_payout_is_canceled_and_its_money_released(api: Api) -> None:
    path = f"/v1/payouts/{await api.payout()}"

    canceled = await api.post(f"{path}/cancel")

    assert (canceled.status, canceled.json["state"]) == (200, "canceled")
    assert (await season.pool(api.core)).get("reserved", 0) == 0


@pytest.mark.promise("G1")
async def test_a_pending_payout_is_canceled_through_its_rail(api: Api) -> None:
    path = f"/v1/payouts/{await api.payout(campaign='other')}"
    await season.send_all(api.core, "two")

    assert (await api.post(f"{path}/cancel")).json["state"] == "canceled"


@pytest.mark.promise("G1", "G7")
@pytest.mark.incident("I10")
async def test_a_paid_payout_cannot_be_canceled_held_retried_or_redirected(api: Api) -> None:
    path = f"/v1/payouts/{await api.payout()}"
    await season.send_all(api.core)

    canceled = await api.post(f"{path}/cancel")
    others = [
        await api.post(f"{path}/hold", {"cause": "late"}),
        await api.post(f"{path}/retry"),
        await api.post(f"{path}/release"),
        await api.post(f"{path}/destination", {"destination": "b@example.org"}),
    ]

    assert (canceled.status, canceled.code) == (409, "not_cancelable")
    assert [(answer.status, answer.code) for answer in others] == [(409, "state_conflict")] * 4


async def test_a_refused_manual_payout_is_retried_to_a_corrected_destination(api: Api) -> None:
    payout_id = await api.payout(asset="USD", destination_kind="manual_note", destination="desk 4")
    await season.send_all(api.core, "by-hand")
    queue = (await api.get("/v1/manual")).json["items"]
    assert [(item["payout_id"], item["destination"]) for item in queue] == [(payout_id, "desk 4")]

    refused = await api.post(f"/v1/manual/{payout_id}/refuse", {"reason": "nobody there"})
    moved = await api.post(f"/v1/payouts/{payout_id}/destination", {"destination": "desk 5"})
    retried = await api.post(f"/v1/payouts/{payout_id}/retry")

    assert (refused.json["state"], moved.status, retried.json["state"]) == ("failed", 200, "ready")


@pytest.mark.promise("G5")
async def test_a_manual_payout_is_settled_with_proof_and_not_without(api: Api) -> None:
    payout_id = await api.payout(asset="USD", destination_kind="manual_note", destination="desk 4")
    await season.send_all(api.core, "by-hand")

    bare = await api.post(f"/v1/manual/{payout_id}/settle", {"proof": " . "})
    settled = await api.post(f"/v1/manual/{payout_id}/settle", {"proof": "receipt 17"})

    assert (bare.status, bare.code, bare.json["field"]) == (422, "proof_required", "proof")
    assert settled.json["state"] == "paid"
    observed = (await api.get(f"/v1/payouts/{payout_id}")).json["observations"]
    assert [one["words"] for one in observed if one["source"] == "operator"] == ["receipt 17"]


@pytest.mark.promise("G6")
async def test_what_people_wrote_is_whole_for_whoever_may_reveal_and_masked_for_others(api: Api) -> None:
    game, viewer, auditor = [
        await api.key_with(MATRIX[role]) for role in (Role.GAME_BACKEND, Role.VIEWER, Role.AUDITOR)
    ]
    by_hand = REWARD | {"asset": "USD", "destination_kind": "manual_note", "destination": "desk 4"}
    payout_id = (await api.post("/v1/payouts", by_hand, token=game)).json["id"]
    await season.send_all(api.core, "by-hand")
    await api.post(f"/v1/manual/{payout_id}/settle", {"proof": "receipt 17"})

    seen = {}
    for name, token in (("game", game), ("viewer", viewer), ("auditor", auditor)):
        told = await api.get(f"/v1/payouts/{payout_id}", token=token)
        seen[name] = [one["words"] for one in told.json["observations"] if one["source"] == "operator"]

    assert seen == {"game": ["***"], "viewer": ["***"], "auditor": ["receipt 17"]}


@pytest.mark.promise("G7")
async def test_an_unknown_outcome_takes_two_keys_to_resolve(api: Api) -> None:
    payout_id = await api.payout()

    async def vanish(*_: object) -> OutcomeUnknown:
        return OutcomeUnknown()

    api.core.providers["one"].script = vanish  # type: ignore[attr-defined]
    await season.send_all(api.core)
    said = {"outcome": "paid", "evidence": "statement 4711 at the provider"}
    second = await api.key_with({Scope.RESOLVE})

    proposed = await api.post(f"/v1/payouts/{payout_id}/resolve", said)
    alone = await api.post(f"/v1/payouts/{payout_id}/resolve", said)
    confirmed = await api.post(f"/v1/payouts/{payout_id}/resolve", said, token=second)

    assert (proposed.json["state"], proposed.json["confirmed_by"]) == ("outcome_unknown", None)
    assert (alone.status, alone.code) == (403, "forbidden")
    assert confirmed.json["state"] == "paid"


@pytest.mark.parametrize("verb", ["cancel", "retry", "release"])
async def test_an_unknown_payout_is_not_found(api: Api, verb: str) -> None:
    answer = await api.post(f"/v1/payouts/00000000-0000-7000-8000-000000000000/{verb}")

    assert (answer.status, answer.code) == (404, "not_found")


async def test_a_pause_is_set_listed_and_lifted(api: Api) -> None:
    made = await api.post("/v1/pauses", {"scope": "provider", "subject": "one", "reason": "maintenance"})
    listed = (await api.get("/v1/pauses")).json["pauses"]
    lifted = await api.post(f"/v1/pauses/{made.json['id']}/lift")

    assert (made.status, [pause["id"] for pause in listed]) == (201, [made.json["id"]])
    assert lifted.json["lifted_at"] is not None
    assert (await api.get("/v1/pauses")).json["pauses"] == []


async def test_providers_say_what_they_can_and_what_waits(api: Api) -> None:
    await api.payout()

    providers = {one["name"]: one for one in (await api.get("/v1/providers")).json["providers"]}

    assert providers["one"]["enabled"] is True
    assert providers["one"]["capabilities"]["dedupe"] == "replay"
    assert providers["one"]["waiting"] == {"ready": 1, "sending": 0, "under_way": 0}


async def test_a_provider_that_is_off_is_told_as_off_though_it_is_still_followed(database_dsn: str) -> None:
    off = season.CONFIG.replace('adapter = "fake"\nenabled = true', 'adapter = "fake"\nenabled = false', 1)
    async with (
        season.opened_core(database_dsn, [SignedRail("one")], config=off) as core,
        running_api(core) as api,
    ):
        providers = {one["name"]: one for one in (await api.get("/v1/providers")).json["providers"]}
        page = (await api.get("/", token="")).body.decode()

    assert providers["one"]["enabled"] is False
    assert providers["one"]["why_disabled"] == "set [providers.one] enabled = true to switch it on"
    assert "<td>off: set [providers.one] enabled = true" in page


async def test_the_status_page_shows_what_is_paused(api: Api) -> None:
    await api.post("/v1/pauses", {"scope": "provider", "subject": "one", "reason": "<maintenance>"})

    page = (await api.get("/", token="")).body.decode()

    assert "<td>provider one<td>&lt;maintenance&gt;" in page
