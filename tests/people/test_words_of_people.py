"""What people write about a payout may name anything: it is shown to whoever may see destinations or settles outcomes."""

import pytest

from rewardrails.engine.explain import MASKED
from rewardrails.security.roles import MATRIX, Role
from rewardrails.security.scopes import Scope
from tests.api.client import REWARD, Api
from tests.support.people import sessions_by_role

pytestmark = [pytest.mark.promise("G6", "G7")]
CAUSE, REASON = "their brother Ivo Prager called", "Ivo Prager wrote that it is fine"
SEE_WORDS = {Role.OPERATOR, Role.COMPLIANCE, Role.AUDITOR}


async def test_causes_and_reasons_are_shown_to_the_roles_that_may_see_words_and_to_no_other(api: Api) -> None:
    tokens = await sessions_by_role(api.core)
    held, released = await api.payout(1), await api.payout(2)
    for payout in (held, released):
        answer = await api.post(f"/v1/payouts/{payout}/hold", {"cause": CAUSE}, token=tokens[Role.SUPPORT])
        assert answer.status == 200, answer.body
    reason = {"reason": REASON, "overrules": []}
    answer = await api.post(f"/v1/payouts/{released}/release", reason, token=tokens[Role.COMPLIANCE])
    assert answer.status == 200, answer.body

    for role, token in tokens.items():
        if Scope.READ not in MATRIX[role]:
            continue
        pages = [f"/v1/payouts/{held}", f"/v1/payouts/{released}", f"/v1/payouts/{held}/explain"]
        pages += [f"/v1/payouts/{released}/explain", "/v1/payouts", "/v1/holds", "/v1/events"]
        bodies = {page: (await api.get(page, token=token)).body.decode() for page in pages}

        seen = {page for page, body in bodies.items() if "Prager" in body}
        if role in SEE_WORDS:
            assert {f"/v1/payouts/{held}", f"/v1/payouts/{released}/explain", "/v1/holds"} <= seen, role
        else:
            assert seen == set(), role
            assert MASKED in bodies["/v1/holds"]
            assert '"hold_cause":"operator"' in bodies[f"/v1/payouts/{held}"]


async def test_a_games_backend_reads_no_words_of_people_about_its_own_payouts(api: Api) -> None:
    game = await api.key_with(MATRIX[Role.GAME_BACKEND])
    payout = (await api.post("/v1/payouts", REWARD, token=game)).json["id"]
    await api.post(f"/v1/payouts/{payout}/hold", {"cause": CAUSE})

    seen = await api.get(f"/v1/payouts/{payout}", token=game)

    assert seen.status == 200
    assert "Prager" not in seen.body.decode()
    (held,) = [one for one in seen.json["history"] if one["type"] == "payout.held"]
    assert held["data"] == {"from": "ready", "to": "held", "cause": "operator", "words": MASKED}
