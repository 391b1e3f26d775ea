"""Ids grow, tokens differ, and a simulation can own both."""

import itertools
from uuid import UUID

import pytest

from rewardrails import ids


class Counting:
    """Ids 1, 2, 3, ...; every fraction a half; tokens of one letter."""

    def __init__(self) -> None:
        self._count = 0

    def new_id(self) -> UUID:
        self._count += 1
        return UUID(int=self._count)

    def random_fraction(self) -> float:
        return 0.5

    def new_token(self, nbytes: int) -> str:
        return "t" * nbytes


def test_ids_are_uuid7_and_grow_strictly() -> None:
    made = [ids.new_id() for _ in range(10_000)]
    assert all(type(one) is UUID and one.version == 7 for one in made)
    assert all(earlier < later for earlier, later in itertools.pairwise(made))


def test_fraction_is_below_one_and_varies() -> None:
    drawn = [ids.random_fraction() for _ in range(100)]
    assert all(0 <= fraction < 1 for fraction in drawn)
    assert len(set(drawn)) > 1


def test_tokens_are_long_url_safe_and_different() -> None:
    first, second = ids.new_token(32), ids.new_token(32)
    assert first != second
    assert len(first) == 43
    assert first.replace("-", "").replace("_", "").isalnum()


def test_source_is_replaced_inside_the_block_only() -> None:
    with ids.use(Counting()):
        assert [ids.new_id().int, ids.new_id().int] == [1, 2]
        assert ids.random_fraction() == 0.5
        assert ids.new_token(3) == "ttt"
    assert ids.new_id().version == 7


def test_source_comes_back_after_an_error() -> None:
    with pytest.raises(LookupError), ids.use(Counting()):
        raise LookupError
    assert ids.new_id().version == 7
