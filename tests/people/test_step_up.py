"""Where the rules ask for it, a person must have proved minutes ago who they are; no key ever has."""

from datetime import timedelta

import pytest

from rewardrails.domain.outcome import OutcomeUnknown
from rewardrails.security.roles import Role
from rewardrails.security.scopes import Scope
from tests.api.client import Api
from tests.support import season
from tests.support.people import PASSWORD, Person, person, session_of

pytestmark = [pytest.mark.promise("G7")]


@pytest.fixture
def configured() -> str:
    return """
[[approvals]]
name = "large"
needs = 1
asset = "EUR"
above = "20.00"
[[approvals]]
name = "very-large"
needs = 1
asset = "EUR"
above = "100.00"
fresh_minutes = 10
[sign_in]
resolve_fresh_minutes = 10
"""


async def stale(api: Api, who: Person) -> str:
    """A session whose owner signed in eleven minutes ago."""
    token = await session_of(api.core, who)
    async with api.core.database.transaction() as tx:
        await tx.execute(
            "UPDATE operator_session SET authenticated_at = authenticated_at - $1::interval", timedelta(minutes=11)
        )
    return token


async def approve(api: Api, token: str, *payouts: str):
    return await api.post("/v1/approvals", await api.seen(*payouts), token=token)


async def test_a_stale_sign_in_approves_what_is_large_and_not_what_is_very_large(api: Api) -> None:
    token = await stale(api, await person(api.core, Role.APPROVER))
    large, very_large = await api.payout(1, amount="20.01"), await api.payout(2, amount="100.01")

    both = await approve(api, token, large, very_large)
    alone = await approve(api, token, very_large)
    allowed = await approve(api, token, large)

    assert [(answer.status, answer.code) for answer in (both, alone)] == [(403, "step_up_required")] * 2
    assert allowed.status == 200
    assert (await api.row_counts())["sign_off"] == 1


@pytest.mark.parametrize("by", ["totp", "password"])
async def test_after_a_new_proof_the_same_request_goes_through(api: Api, by: str) -> None:
    ann = await person(api.core, Role.APPROVER)
    token, payout = await stale(api, ann), await api.payout(1, amount="100.01")
    proof = {"totp": ann.code()} if by == "totp" else {"password": PASSWORD}
    refused = await api.post("/v1/approvals", await api.seen(payout), token=token, key="k")

    proved = await api.post("/v1/sessions/step-up", proof, token=token, key=None)
    again = await api.post("/v1/sessions/step-up", {"totp": ann.code()} if by == "totp" else {}, token=token, key=None)
    approved = await api.post("/v1/approvals", await api.seen(payout), token=token, key="k")

    assert (refused.code, proved.status, approved.status) == ("step_up_required", 200, 200)
    assert proved.json["authenticated_at"] is not None
    assert again.status == (401 if by == "totp" else 422)


async def test_a_wrong_proof_changes_nothing(api: Api) -> None:
    ann = await person(api.core, Role.APPROVER)
    token, payout = await stale(api, ann), await api.payout(1, amount="100.01")

    for proof in ({"totp": "000000"}, {"password": "wrong horse battery"}):
        assert (await api.post("/v1/sessions/step-up", proof, token=token, key=None)).status == 401

    assert (await approve(api, token, payout)).code == "step_up_required"


async def test_a_key_approves_what_is_large_and_never_what_is_very_large(api: Api) -> None:
    key = await api.key_with({Scope.APPROVE})
    large, very_large = await api.payout(1, amount="20.01"), await api.payout(2, amount="100.01")

    refused, allowed = await approve(api, key, very_large), await approve(api, key, large)
    proved = await api.post("/v1/sessions/step-up", {"totp": "000000"}, token=key, key=None)

    assert (refused.code, allowed.status, proved.code) == ("step_up_required", 200, "forbidden")


async def test_a_fresh_sign_in_never_lifts_the_rule_that_nobody_approves_their_own(api: Api) -> None:
    both = await person(api.core, Role.APPROVER, Role.OPERATOR)
    token = await session_of(api.core, both)
    made = await api.post("/v1/payouts", REWARD_OF_100, token=token)

    answer = await approve(api, token, made.json["id"])

    assert (made.status, answer.status, answer.code) == (201, 403, "forbidden")


async def test_settling_an_unknown_outcome_asks_for_a_fresh_proof_too(api: Api) -> None:
    async def silence(*_: object) -> OutcomeUnknown:
        return OutcomeUnknown()

    api.core.providers["one"].script = silence  # type: ignore[attr-defined]
    payout = await api.payout()
    await season.send_all(api.core)
    said = {"outcome": "paid", "evidence": "seen at the provider"}
    ann = await person(api.core, Role.OPERATOR)
    path = f"/v1/payouts/{payout}/resolve"

    by_key = await api.post(path, said)
    stale_one = await api.post(path, said, token=await stale(api, ann))
    fresh_one = await api.post(path, said, token=await session_of(api.core, ann))

    assert (by_key.code, stale_one.code, fresh_one.status) == ("step_up_required", "step_up_required", 200)


REWARD_OF_100 = {
    "campaign": "season",
    "reward_id": "r-100",
    "player_id": "player:1",
    "amount": "100.01",
    "asset": "EUR",
    "jurisdiction": "DE",
    "destination_kind": "paypal_email",
    "destination": "player@example.org",
}
