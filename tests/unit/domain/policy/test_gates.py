"""Both sides of every gate's edge."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from rewardrails.domain.policy.abuse import risk
from rewardrails.domain.policy.approvals import approval
from rewardrails.domain.policy.case import (
    Address,
    CheckKind,
    CheckResult,
    ListKind,
    ListStanding,
    PlayerCheck,
    Rate,
    Risk,
    Screening,
    ScreeningResult,
    SignOff,
    Usage,
)
from rewardrails.domain.policy.destinations import (
    address_lists,
    cooling_off,
    list_review,
    ownership_proof,
    screening,
    shared_destination,
)
from rewardrails.domain.policy.eligibility import jurisdiction, player_checks
from rewardrails.domain.policy.judge import GATES, judge
from rewardrails.domain.policy.legal import legal_approval
from rewardrails.domain.policy.limits import limits, to_count
from rewardrails.domain.policy.rules import ApprovalRule, DestinationRule, Eligibility, Limit, Per, Rules
from rewardrails.domain.policy.verdict import Outcome
from rewardrails.errors import ErrorCode
from tests.support.cases import APPROVAL, CONTENT, FACTS, NOW, SUBJECT, case

MOMENT = timedelta(microseconds=1)
CHAIN = replace(SUBJECT, needs_legal_approval=True)
HOLD, PASS, APPROVE = Outcome.HOLD, Outcome.PASS, Outcome.APPROVE


def test_nothing_configured_and_nothing_known_against_it_passes_every_gate():
    judgement = judge(case())

    assert judgement.outcome is PASS
    assert len(judgement.verdicts) == len(GATES)


def test_a_rail_that_needs_approval_sends_nothing_without_one():
    verdict = legal_approval(case(subject=CHAIN))

    assert (verdict.outcome, verdict.code) == (HOLD, ErrorCode.LEGAL_APPROVAL_MISSING)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, PASS),
        ({"provider_type": "ton_wallet"}, HOLD),
        ({"adapter": "other"}, HOLD),
        ({"assets": frozenset({"USD"})}, HOLD),
        ({"jurisdictions": frozenset({"DE-BY"})}, HOLD),
        ({"jurisdictions": frozenset({"FR"})}, HOLD),
        ({"campaigns": frozenset({"other"})}, HOLD),
        ({"campaigns": frozenset({"*"})}, PASS),
        ({"valid_until": NOW}, HOLD),
        ({"valid_until": NOW + MOMENT}, PASS),
        ({"max_total_minor": 1000}, PASS),
        ({"max_total_minor": 999}, HOLD),
        ({"max_per_player_minor": 1000}, PASS),
        ({"max_per_player_minor": 999}, HOLD),
    ],
)
def test_an_approval_covers_exactly_what_it_names(change, outcome):
    assert legal_approval(case(subject=CHAIN, approvals=(replace(APPROVAL, **change),))).outcome is outcome


def test_an_approval_counts_what_went_under_it_before():
    bounded = replace(APPROVAL, max_total_minor=1500)
    key = f"legal:{APPROVAL.id}:EUR"

    assert (
        legal_approval(case(subject=CHAIN, approvals=(bounded,), usage={key: Usage(amount_minor=500)})).outcome is PASS
    )
    assert (
        legal_approval(case(subject=CHAIN, approvals=(bounded,), usage={key: Usage(amount_minor=501)})).outcome is HOLD
    )


def test_a_used_up_approval_gives_way_to_the_next():
    full = replace(APPROVAL, max_total_minor=1)
    second = replace(APPROVAL, id=UUID(int=2))

    assert legal_approval(case(subject=CHAIN, approvals=(full, second))).inputs["approval"] == str(second.id)


@pytest.mark.parametrize(
    ("place", "rule", "outcome"),
    [
        ("DE", Eligibility(), PASS),
        ("DE", Eligibility(allow=frozenset({"DE"})), PASS),
        ("DE-BY", Eligibility(allow=frozenset({"DE"})), PASS),
        ("DE", Eligibility(allow=frozenset({"DE-BY"})), HOLD),
        ("FR", Eligibility(allow=frozenset({"DE"})), HOLD),
        ("DE-BY", Eligibility(allow=frozenset({"DE"}), deny=frozenset({"DE-BY"})), HOLD),
        ("DE-BE", Eligibility(allow=frozenset({"DE"}), deny=frozenset({"DE-BY"})), PASS),
        ("DE", Eligibility(allow=frozenset({"DE"}), deny=frozenset({"DE-BY"})), HOLD),
        ("DE", Eligibility(deny=frozenset({"DEU-BY"})), PASS),
        ("DE-BE", Eligibility(deny=frozenset({"DE"})), HOLD),
    ],
)
@pytest.mark.parametrize("whose", ["campaigns", "providers"])
def test_denied_places_win_over_allowed_ones(place, rule, outcome, whose):
    rules = Rules(**{whose: {"campaigns": {"season": rule}, "providers": {"one": rule}}[whose]})

    assert jurisdiction(case(subject=replace(SUBJECT, jurisdiction=place), rules=rules)).outcome is outcome


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, PASS),
        ({"campaigns": {}}, HOLD),
        ({"payable": frozenset({"USD"})}, HOLD),
        ({"destinations": {}}, HOLD),
        ({"campaigns": {}, "payable": None}, PASS),
    ],
)
def test_what_was_taken_out_of_the_configuration_pays_nobody(change, outcome):
    here = {"campaigns": {"season": Eligibility()}, "destinations": {"paypal_email": DestinationRule()}}

    verdict = jurisdiction(case(rules=Rules(**{**here, "payable": frozenset({"EUR"}), **change})))

    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        (None, HOLD),
        (PlayerCheck(result=CheckResult.PASSED, expires_at=NOW + MOMENT), PASS),
        (PlayerCheck(result=CheckResult.PASSED, expires_at=NOW), HOLD),
        (PlayerCheck(result=CheckResult.PENDING, expires_at=NOW + MOMENT), HOLD),
        (PlayerCheck(result=CheckResult.FAILED, expires_at=NOW + MOMENT), HOLD),
    ],
)
def test_a_check_that_is_asked_for_must_have_passed_and_not_expired(check, outcome):
    rules = Rules(campaigns={"season": Eligibility(checks=frozenset({"kyc"}))})
    checks = {CheckKind.KYC: check} if check else {}

    assert player_checks(case(rules=rules, checks=checks)).outcome is outcome


@pytest.mark.parametrize(("age", "outcome"), [(17, HOLD), (18, PASS), (None, HOLD)])
def test_the_strictest_minimum_age_holds(age, outcome):
    rules = Rules(campaigns={"season": Eligibility(minimum_age=16)}, providers={"one": Eligibility(minimum_age=18)})
    checks = {CheckKind.AGE: PlayerCheck(result=CheckResult.PASSED, expires_at=NOW + MOMENT, age=age)}

    assert player_checks(case(rules=rules, checks=checks)).outcome is outcome


@pytest.mark.parametrize(
    ("kind", "listed", "outcome", "code"),
    [
        (ListKind.SANCTIONS, True, HOLD, ErrorCode.SCREENING_HOLD),
        (ListKind.SANCTIONS, False, PASS, None),
        (ListKind.DENY, True, HOLD, ErrorCode.DESTINATION_BLOCKED),
        (ListKind.DENY, False, PASS, None),
        (ListKind.ALLOW, True, PASS, None),
    ],
)
def test_lists_say_what_they_are_for(kind, listed, outcome, code):
    verdict = address_lists(case(lists=(ListStanding(name="l", kind=kind, dated=NOW, listed=listed),)))

    assert (verdict.outcome, verdict.code) == (outcome, code)


@pytest.mark.parametrize(
    ("dated", "outcome"), [(NOW - timedelta(days=7) + MOMENT, PASS), (NOW - timedelta(days=7), HOLD), (None, HOLD)]
)
def test_an_old_or_missing_sanctions_list_holds_what_must_be_screened(dated, outcome):
    rules = Rules(destinations={"paypal_email": DestinationRule(screened=True)}, list_age=timedelta(days=7))
    lists = (ListStanding(name="sdn", kind=ListKind.SANCTIONS, dated=dated, listed=False),) if dated else ()

    assert address_lists(case(rules=rules, lists=lists)).outcome is outcome
    assert address_lists(case(lists=lists)).outcome is PASS


@pytest.mark.parametrize(("listed", "outcome"), [(True, PASS), (False, HOLD)])
def test_where_only_listed_destinations_are_paid_the_others_are_held(listed, outcome):
    rules = Rules(destinations={"paypal_email": DestinationRule(only_listed=True)})
    lists = (ListStanding(name="own", kind=ListKind.ALLOW, dated=NOW, listed=listed),)

    assert address_lists(case(rules=rules, lists=lists)).outcome is outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (None, HOLD),
        (ScreeningResult(screening=Screening.CLEAR, expires_at=NOW + MOMENT), PASS),
        (ScreeningResult(screening=Screening.CLEAR, expires_at=NOW), HOLD),
        (ScreeningResult(screening=Screening.UNKNOWN, expires_at=NOW + MOMENT), HOLD),
        (ScreeningResult(screening=Screening.HIT, expires_at=NOW + MOMENT), HOLD),
    ],
)
def test_a_screener_that_is_asked_must_have_said_clear_lately(answer, outcome):
    rules = Rules(destinations={"paypal_email": DestinationRule(screeners=frozenset({"chain"}))})

    assert screening(case(rules=rules, screenings={"chain": answer} if answer else {})).outcome is outcome


@pytest.mark.parametrize(("age", "outcome"), [(timedelta(hours=24), PASS), (timedelta(hours=24) - MOMENT, HOLD)])
def test_a_new_destination_cools_off_and_then_passes_by_itself(age, outcome):
    rules = Rules(destinations={"paypal_email": DestinationRule(cooling_off=timedelta(hours=24))})
    address = Address(first_seen_at=NOW - age, players=1, destinations_of_player=1)

    verdict = cooling_off(case(rules=rules, address=address))

    assert verdict.outcome is outcome
    assert verdict.passes_at == (None if outcome is PASS else address.first_seen_at + timedelta(hours=24))


@pytest.mark.parametrize(("players", "own", "outcome"), [(2, 3, PASS), (3, 3, HOLD), (2, 4, HOLD)])
def test_destinations_shared_by_too_many_and_players_with_too_many_are_held(players, own, outcome):
    rules = Rules(destinations={"paypal_email": DestinationRule(max_players=2, max_per_player=3)})
    address = Address(first_seen_at=NOW, players=players, destinations_of_player=own)

    assert shared_destination(case(rules=rules, address=address)).outcome is outcome


@pytest.mark.parametrize(
    ("amount", "proved_ago", "outcome"),
    [
        (1000, None, PASS),
        (1001, None, HOLD),
        (1001, timedelta(days=30) - MOMENT, PASS),
        (1001, timedelta(days=30), HOLD),
    ],
)
def test_larger_amounts_need_a_proof_that_lasts(amount, proved_ago, outcome):
    rule = DestinationRule(prove_above={"EUR": 1000}, proof_lasts=timedelta(days=30))
    address = replace(FACTS.address, proved_at=NOW - proved_ago if proved_ago is not None else None)
    subject = replace(SUBJECT, amount_minor=amount)

    verdict = ownership_proof(case(subject=subject, rules=Rules(destinations={"paypal_email": rule}), address=address))

    assert verdict.outcome is outcome


def test_a_calendar_day_s_limit_is_looked_at_again_when_the_day_has_ended():
    rule = Limit(name="day", per=Per.PLAYER, window=timedelta(days=1), calendar_day=True, asset="EUR", max_minor=1)

    assert limits(case(rules=Rules(limits=(rule,)))).passes_at == NOW.replace(hour=0) + timedelta(days=1)


@pytest.mark.parametrize(("score", "outcome"), [(69, PASS), (70, HOLD), (None, PASS)])
def test_players_at_the_threshold_are_never_paid_by_themselves(score, outcome):
    known = Risk(score=score, expires_at=NOW + MOMENT) if score is not None else None

    assert risk(case(rules=Rules(risk_threshold=70), risk=known)).outcome is outcome


@pytest.mark.parametrize(
    ("held_by", "score", "outcome"),
    [((), 90, PASS), (("limits",), 90, PASS), (("risk",), 90, HOLD), (("risk",), 69, PASS)],
)
def test_who_is_under_review_is_not_let_go_by_time_alone(held_by, score, outcome):
    expired = Risk(score=score, expires_at=NOW)

    verdict = risk(case(rules=Rules(risk_threshold=70), risk=expired, held_by=frozenset(held_by)))

    assert verdict.outcome is outcome


@pytest.mark.parametrize(("lasts_for", "outcome"), [(timedelta(0), HOLD), (MOMENT, PASS)])
def test_what_allows_a_payout_lasts_until_its_first_byte_has_left(lasts_for, outcome):
    leaves_by = NOW + timedelta(seconds=10)
    ends = leaves_by + lasts_for
    about_to_leave = {"leaves_by": leaves_by}
    checked = {CheckKind.KYC: PlayerCheck(result=CheckResult.PASSED, expires_at=ends)}
    asked = Rules(campaigns={"season": Eligibility(checks=frozenset({"kyc"}))})
    screened = Rules(destinations={"paypal_email": DestinationRule(screeners=frozenset({"s"}))})
    clear = {"s": ScreeningResult(screening=Screening.CLEAR, expires_at=ends)}

    found = [
        legal_approval(case(subject=CHAIN, approvals=(replace(APPROVAL, valid_until=ends),), **about_to_leave)),
        player_checks(case(rules=asked, checks=checked, **about_to_leave)),
        screening(case(rules=screened, screenings=clear, **about_to_leave)),
    ]

    assert [verdict.outcome for verdict in found] == [outcome] * 3


LIMIT = Limit(name="day", per=Per.PLAYER, window=timedelta(days=1), asset="EUR", max_minor=3000, max_count=3)
KEY = "limit:day:p-1"


@pytest.mark.parametrize(
    ("used", "outcome"),
    [
        (Usage(count=2, amount_minor=2000), PASS),
        (Usage(count=2, amount_minor=2001), HOLD),
        (Usage(count=3, amount_minor=0), HOLD),
    ],
)
def test_a_limit_counts_number_and_value(used, outcome):
    assert limits(case(rules=Rules(limits=(LIMIT,)), usage={KEY: used})).outcome is outcome


def test_a_payout_that_was_counted_is_not_counted_twice():
    full = {KEY: Usage(count=3, amount_minor=3000)}
    counted = {LIMIT.key: NOW - timedelta(hours=1)}

    assert limits(case(rules=Rules(limits=(LIMIT,)), usage=full, counted=counted)).outcome is PASS
    assert not list(to_count(case(rules=Rules(limits=(LIMIT,)), counted=counted)))


@pytest.mark.parametrize(
    ("hours", "outcome"), [(23.9, PASS), (24, HOLD)], ids=["within the window", "in another window"]
)
def test_what_leaves_in_another_window_than_it_was_counted_in_is_counted_there_too(hours, outcome):
    full = {KEY: Usage(count=3, amount_minor=3000)}
    counted = {LIMIT.key: NOW - timedelta(hours=hours)}

    assert limits(case(rules=Rules(limits=(LIMIT,)), usage=full, counted=counted)).outcome is outcome


@pytest.mark.parametrize(
    ("at", "outcome"), [(NOW.replace(hour=0), PASS), (NOW.replace(hour=0) - MOMENT, HOLD)], ids=["today", "yesterday"]
)
def test_what_leaves_on_another_day_than_it_was_counted_on_is_counted_there_too(at, outcome):
    daily = replace(LIMIT, window=None, calendar_day=True)
    full = {KEY: Usage(count=3, amount_minor=3000)}

    assert limits(case(rules=Rules(limits=(daily,)), usage=full, counted={daily.key: at})).outcome is outcome


@pytest.mark.parametrize(("most", "outcome"), [(3000, PASS), (2999, HOLD)])
def test_a_limit_that_says_something_else_now_looks_again_at_what_it_counted(most, outcome):
    used, tighter = {KEY: Usage(count=3, amount_minor=3000)}, replace(LIMIT, max_minor=most, max_count=None)

    found = case(rules=Rules(limits=(tighter,)), usage=used, counted={LIMIT.key: NOW})

    assert limits(found).outcome is outcome
    assert not list(to_count(found))  # its counter holds this payout already


def test_what_a_person_let_past_a_stale_rate_is_counted_at_the_last_rate():
    anything = replace(LIMIT, asset=None)
    stale = {"EUR": Rate(numerator=2, denominator=1, dated=NOW - timedelta(days=9))}

    found = case(rules=Rules(limits=(anything,)), rates=stale)

    assert limits(found).outcome is HOLD
    assert [amount for _, _, amount in to_count(found)] == [2000]


def test_whoever_was_on_a_list_is_let_go_by_a_person_and_not_by_a_shorter_list():
    listed = (ListStanding(name="sdn", kind=ListKind.SANCTIONS, dated=NOW, listed=True),)

    assert list_review(case()).outcome is PASS
    assert list_review(case(lists=listed)).outcome is HOLD
    assert list_review(case(held_by=frozenset({"list_review"}))).outcome is HOLD


@pytest.mark.parametrize(("score", "outcome"), [(70, PASS), (71, HOLD)])
def test_a_release_overrules_the_score_it_was_given_for_and_no_worse_one(score, outcome):
    risky = case(rules=Rules(risk_threshold=50), risk=Risk(score=score, expires_at=NOW + MOMENT), lifted={"risk": 70})

    assert judge(risky).outcome is outcome


def test_an_approval_that_is_still_to_come_is_waited_for():
    to_come = replace(APPROVAL, valid_from=NOW + timedelta(hours=1))

    verdict = legal_approval(case(subject=CHAIN, approvals=(to_come,)))

    assert (verdict.outcome, verdict.passes_at) == (HOLD, to_come.valid_from)
    assert legal_approval(case(subject=CHAIN, approvals=(replace(APPROVAL, valid_from=NOW),))).outcome is PASS


@pytest.mark.parametrize(
    "change", [{"campaigns": frozenset({"other"})}, {"providers": frozenset({"two"})}, {"asset": "USD"}]
)
def test_a_limit_about_something_else_says_nothing(change):
    rules = Rules(limits=(replace(LIMIT, **change),))

    assert limits(case(rules=rules, usage={KEY: Usage(count=9, amount_minor=9999)})).outcome is PASS


@pytest.mark.parametrize(
    ("rate", "outcome"),
    [
        (Rate(numerator=9, denominator=10, dated=NOW), PASS),
        (Rate(numerator=91, denominator=100, dated=NOW), HOLD),
        (Rate(numerator=9, denominator=10, dated=NOW - timedelta(days=1)), HOLD),
        (None, HOLD),
    ],
)
def test_totals_across_rails_need_a_fresh_rate(rate, outcome):
    everything = Limit(name="all", per=Per.EVERYTHING, max_minor=900)
    rates = {"EUR": rate} if rate else {}

    assert limits(case(rules=Rules(limits=(everything,)), rates=rates)).outcome is outcome


@pytest.mark.parametrize(
    ("approvers", "outcome"),
    [
        ((), APPROVE),
        (("ann",), APPROVE),
        (("ann", "ann"), APPROVE),
        (("ann", "key:game"), APPROVE),
        (("ann", "ben"), PASS),
    ],
)
def test_two_distinct_people_other_than_the_author_approve(approvers, outcome):
    rules = Rules(approvals=(ApprovalRule(name="large", needs=2, asset="EUR", above_minor=999),))
    given = tuple(SignOff(approver=name, content_digest=CONTENT) for name in approvers)

    assert approval(case(rules=rules, sign_offs=given)).outcome is outcome


def test_an_approval_of_other_content_is_void():
    rules = Rules(approvals=(ApprovalRule(name="all", needs=1),))
    given = (SignOff(approver="ann", content_digest=b"o" * 32),)

    assert approval(case(rules=rules, sign_offs=given)).outcome is APPROVE


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        (ApprovalRule(name="r", needs=1, asset="EUR", above_minor=1000), PASS),
        (ApprovalRule(name="r", needs=1, asset="EUR", above_minor=999), APPROVE),
        (ApprovalRule(name="r", needs=1, asset="EUR", batch_above_minor=5000), PASS),
        (ApprovalRule(name="r", needs=1, asset="EUR", batch_above_minor=4999), APPROVE),
        (ApprovalRule(name="r", needs=1, creators=frozenset({"key:other"})), PASS),
        (ApprovalRule(name="r", needs=1, creators=frozenset({"key:game"})), APPROVE),
        (ApprovalRule(name="r", needs=1, pools=frozenset({"other"})), PASS),
        (ApprovalRule(name="r", needs=1, providers=frozenset({"one"})), APPROVE),
    ],
)
def test_a_rule_asks_only_where_all_its_conditions_hold(rule, outcome):
    assert approval(case(rules=Rules(approvals=(rule,)), batch_total_minor=5000)).outcome is outcome


def test_the_worst_verdict_decides_and_a_hold_is_told_before_an_approval():
    rules = Rules(
        approvals=(ApprovalRule(name="all", needs=1),),
        destinations={"paypal_email": DestinationRule(cooling_off=timedelta(hours=1))},
    )

    judgement = judge(case(rules=rules))

    assert judgement.outcome is HOLD
    assert [verdict.gate for verdict in judgement.stopped] == ["cooling_off", "approval"]
    assert judgement.passes_at == NOW + timedelta(hours=1)


def test_people_overrule_some_gates_and_never_those_of_the_law():
    rules = Rules(destinations={"paypal_email": DestinationRule(cooling_off=timedelta(hours=1))})
    everything = dict.fromkeys(("cooling_off", "legal_approval", "address_lists", "player_checks"), 100)

    assert judge(case(rules=rules, lifted=everything)).outcome is PASS
    assert judge(case(subject=CHAIN, lifted=everything)).outcome is HOLD
