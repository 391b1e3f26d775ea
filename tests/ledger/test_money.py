"""Amounts of every asset, from whole tokens to wei: whole numbers in, the same whole numbers out, all the way to the ledger."""

from decimal import Decimal

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rewardrails.domain.assets import MAX_DIGITS, MAX_MINOR, Asset, format_amount, parse_amount
from rewardrails.domain.posting import FundingSource
from rewardrails.engine.core import Core
from rewardrails.errors import AmountInvalid, FieldInvalid
from rewardrails.ledger import posting
from rewardrails.ledger.invariants import verify
from rewardrails.providers.capabilities import FeeSchedule
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import opened_core, pool

pytestmark = [pytest.mark.promise("G3")]

EXAMPLES = 400
EXPONENTS = range(19)
exponents = st.sampled_from(EXPONENTS)
minors = st.one_of(st.integers(1, MAX_MINOR), st.integers(1, 10**6), st.integers(MAX_MINOR - 10**6, MAX_MINOR))
many = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def asset(exponent: int) -> Asset:
    return Asset(code="X", exponent=exponent, redeemable=True)


@many
@given(minor=minors, exponent=exponents)
@example(minor=MAX_MINOR, exponent=18)
@example(minor=1, exponent=18)
@example(minor=2**53 + 1, exponent=0)
def test_what_is_written_is_read_back_to_the_last_digit(minor: int, exponent: int) -> None:
    text = format_amount(minor, exponent)

    assert parse_amount(text, asset(exponent)) == minor
    assert type(parse_amount(text, asset(exponent))) is int
    assert Decimal(text).as_tuple().exponent == -exponent
    assert int(text.replace(".", "")) == minor


@many
@given(whole=st.integers(0, 10**20 - 1), decimals=st.text("0123456789", min_size=1, max_size=18), exponent=exponents)
def test_a_decimal_is_read_exactly_or_refused_for_its_decimals(whole: int, decimals: str, exponent: int) -> None:
    text = f"{whole}.{decimals}"
    exact = int(f"{whole}{decimals}") * 10 ** max(0, exponent - len(decimals))
    if len(decimals) > exponent or not exact:
        with pytest.raises(AmountInvalid):
            parse_amount(text, asset(exponent))
    else:
        assert parse_amount(text, asset(exponent)) == exact


@many
@given(value=st.floats(allow_nan=True, allow_infinity=True), exponent=exponents)
def test_no_way_a_program_prints_a_float_is_read_as_something_else(value: float, exponent: int) -> None:
    text = repr(value)
    try:
        minor = parse_amount(text, asset(exponent))
    except AmountInvalid:
        return
    assert Decimal(minor).scaleb(-exponent) == Decimal(text)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_the_largest_amount_is_taken_and_one_more_is_not(exponent: int) -> None:
    assert parse_amount(format_amount(MAX_MINOR, exponent), asset(exponent)) == MAX_MINOR
    with pytest.raises(AmountInvalid):
        parse_amount(format_amount(MAX_MINOR + 1, exponent), asset(exponent))


@many
@given(amount=minors, points=st.integers(0, 10_000), fixed=st.integers(0, 10**20))
def test_a_fee_ceiling_is_the_exact_fee_rounded_up(amount: int, points: int, fixed: int) -> None:
    ceiling = FeeSchedule(fixed_minor={"X": fixed}, basis_points=points).ceiling(amount, "X")

    assert type(ceiling) is int
    assert 0 <= (ceiling - fixed) * 10_000 - amount * points < 10_000
    assert FeeSchedule(fixed_minor={"Y": fixed}, basis_points=points).ceiling(amount, "X") == ceiling - fixed


@many
@given(parts=st.lists(minors, min_size=1, max_size=50), exponent=exponents)
def test_a_sum_of_amounts_is_the_sum_of_what_was_written(parts: list[int], exponent: int) -> None:
    read = [parse_amount(format_amount(part, exponent), asset(exponent)) for part in parts]

    assert sum(read) == sum(parts)
    assert format_amount(sum(read), exponent).replace(".", "").lstrip("0") == str(sum(parts))


async def test_the_ledger_keeps_every_digit_up_to_its_limit_and_refuses_the_first_beyond(database_dsn):
    """Three movements whose sum has all the 38 digits there are; one unit more is refused and moves nothing."""
    parts = (MAX_MINOR - 2**64, 2**64 - 1, 1)
    async with opened_core(database_dsn, [ScriptedRail("one")], funded=0) as core:
        for amount in parts:
            await fund(core, amount)
        with pytest.raises(FieldInvalid):
            await fund(core, 1)

        assert await pool(core) == {"available": MAX_MINOR, "grant": -MAX_MINOR}
        assert (await verify(core.database)).broken == ()


async def fund(core: Core, amount: int) -> None:
    async with core.database.transaction() as tx:
        pool_id, _ = (await posting.pools_by_name(tx))["season-eur"]
        await posting.fund(
            tx, pool_id=pool_id, source=FundingSource.GRANT, amount_minor=amount, reference="", actor="test"
        )


@pytest.mark.parametrize("amount", ["'NaN'", "'Infinity'", "1e38", "0", "-1", "0.4"])
async def test_the_database_takes_no_amount_that_is_none(database_dsn, amount):
    """What has a fraction is rounded by the column to a whole number, here to zero: it is never kept as a fraction."""
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.NumericValueOutOfRangeError)):
            async with core.database.transaction() as tx:
                await tx.execute(
                    "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, actor) SELECT gen_random_uuid(), id,"
                    f" 'fund', 'sponsor', 'available', {amount}, 'x' FROM pool"
                )


def test_amounts_have_38_digits_here_and_in_the_database() -> None:
    assert (MAX_DIGITS, len(str(MAX_MINOR))) == (38, 38)
