"""Money is a value."""

from dataclasses import FrozenInstanceError

import pytest

from rewardrails.domain.money import Money


def test_equal_amounts_of_one_asset_are_equal() -> None:
    assert Money(amount_minor=5, asset="USD") == Money(amount_minor=5, asset="USD")
    assert Money(amount_minor=5, asset="USD") != Money(amount_minor=5, asset="EUR")


def test_money_does_not_change() -> None:
    money = Money(amount_minor=5, asset="USD")
    with pytest.raises(FrozenInstanceError):
        money.amount_minor = 6  # type: ignore[misc]
