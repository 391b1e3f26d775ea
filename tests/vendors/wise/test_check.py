"""What `providers check` says of a profile at Wise."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.providers.base import Checked
from rewardrails.providers.wise.provider import WiseProvider
from tests.vendors.wise.double import WiseDouble
from tests.vendors.wise.stage import provider_of


@pytest.fixture
async def double() -> AsyncIterator[WiseDouble]:
    async with WiseDouble() as opened:
        yield opened


async def checked(rail: WiseProvider) -> dict[str, Checked]:
    try:
        return {one.about: one for one in await rail.check()}
    finally:
        await rail.close()


async def test_a_profile_that_is_ready_has_nothing_wrong(double: WiseDouble) -> None:
    found = await checked(provider_of(double))

    assert [one for one in found.values() if not one.is_right] == []
    assert {"connection", "credentials", "clock", "balance EUR"} == found.keys()


async def test_a_token_that_wise_does_not_know_is_named(double: WiseDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.vendors.wise.double.API_TOKEN", "another")

    found = await checked(provider_of(double))

    assert (found["credentials"].is_right, "401" in found["credentials"].found) == (False, True)


async def test_a_profile_that_is_not_the_tokens_is_not_ready(double: WiseDouble) -> None:
    found = await checked(provider_of(double, profile_id=424_242))

    assert [one.about for one in found.values() if not one.is_right] != []
