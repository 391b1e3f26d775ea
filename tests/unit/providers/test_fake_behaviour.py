"""How the fake provider chooses what to do with a creation."""

from collections import Counter

import pytest

from rewardrails.testing.fake_provider.behaviour import PLANS, Behaviour, Choice, Chooser, Mix, Rule, payout_part
from rewardrails.testing.fake_provider.refusals import PASSING_CODES


def chooser(mix: str, *, seed: int = 1) -> Chooser:
    return Chooser(mix=Mix.parse(mix, seed=seed, by_destination=False), passing_codes=PASSING_CODES)


def test_every_behaviour_has_a_plan() -> None:
    assert set(PLANS) == set(Behaviour)


def test_a_mix_follows_its_weights_and_its_seed() -> None:
    mix = Mix.parse("settle=75,webhook=25", seed=3, by_destination=False)
    subjects = [f"payout-{number}" for number in range(2000)]

    picked = [mix.pick(subject).behaviour for subject in subjects]

    assert picked == [mix.pick(subject).behaviour for subject in subjects]
    assert 0.70 < Counter(picked)[Behaviour.SETTLE] / len(subjects) < 0.80
    other = Mix.parse("settle=75,webhook=25", seed=4, by_destination=False)
    assert picked != [other.pick(subject).behaviour for subject in subjects]


@pytest.mark.parametrize("text", ["", "settle=0", "settle=-1,webhook=2", "fly=1", "settle=x"])
def test_a_senseless_mix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Mix.parse(text, seed=0, by_destination=False)


@pytest.mark.parametrize("trouble", ["rate_limit", "error_before", "redirect", "hang", "refuse:insufficient_float"])
def test_passing_trouble_meets_a_payout_once(trouble: str) -> None:
    choose = chooser(f"{trouble}=1").choose

    assert choose("p-1", "d").behaviour is Choice.parse(trouble).behaviour
    assert choose("p-1", "d").behaviour is Behaviour.WEBHOOK
    assert choose("p-2", "d").behaviour is Behaviour.WEBHOOK
    assert choose("other-1", "d").behaviour is Choice.parse(trouble).behaviour


@pytest.mark.parametrize("lasting", ["settle", "lose_reply", "refuse:destination_closed", "fail"])
def test_what_is_final_meets_every_attempt_alike(lasting: str) -> None:
    choose = chooser(f"{lasting}=1").choose

    assert choose("p-1", "d") == choose("p-2", "d") == Choice.parse(lasting)


def test_the_newest_matching_rule_wins_until_it_is_used_up() -> None:
    chosen = chooser("settle=1")
    chosen.rules.append(Rule(choice=Choice(behaviour=Behaviour.GARBAGE), destination="DE*"))
    chosen.rules.append(Rule(choice=Choice(behaviour=Behaviour.HANG), reference="p-*", times=1))

    assert chosen.choose("p-1", "DE1").behaviour is Behaviour.HANG
    assert chosen.choose("p-1", "DE1").behaviour is Behaviour.GARBAGE
    assert chosen.choose("q-1", "FR1").behaviour is Behaviour.SETTLE


def test_the_payout_is_the_reference_without_its_attempt() -> None:
    assert payout_part("abc-12") == "abc"
    assert payout_part("no_attempt") == "no_attempt"
