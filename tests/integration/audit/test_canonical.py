"""The bytes of an event: no two events have the same, and the database makes the same of them as we do."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardrails.events import canonical
from rewardrails.store.sql import sql
from tests.integration.audit.log import EVERYTHING, filled

pytestmark = pytest.mark.promise("G5")
EXAMPLES = 2000
_int8 = st.integers(-(2**63), 2**63 - 1)
_text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=6)
_digest = st.none() | st.binary(max_size=4)
EVENTS = st.fixed_dictionaries(
    {
        "position": _int8,
        "n": _int8,
        "transaction_id": _int8,
        "subject_id": st.uuids(),
        "version": st.integers(-(2**31), 2**31 - 1),
        "created_us": _int8,
        "type": _text,
        "actor": _text,
        "origin": _text,
        "outcome": _text,
        "code": st.none() | _text,
        "before_digest": _digest,
        "after_digest": _digest,
        "data": _text,
    }
)
_SAME_BYTES = """
CREATE FUNCTION pg_temp.field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(int4send(octet_length(value)) || value, '\\xffffffff')
$$
"""
_IN_THE_DATABASE = """
SELECT '\\x01' || int8send(position) || int8send(n) || int8send(transaction_id::text::bigint) || uuid_send(subject_id)
    || int4send(version) || int8send((extract(epoch FROM created_at) * 1000000)::bigint)
    || pg_temp.field(convert_to(type, 'UTF8')) || pg_temp.field(convert_to(actor, 'UTF8'))
    || pg_temp.field(convert_to(origin, 'UTF8')) || pg_temp.field(convert_to(outcome, 'UTF8'))
    || pg_temp.field(convert_to(code, 'UTF8')) || pg_temp.field(before_digest) || pg_temp.field(after_digest)
    || pg_temp.field(convert_to(data::text, 'UTF8')) AS bytes
FROM event WHERE position IS NOT NULL ORDER BY position
"""


@settings(max_examples=EXAMPLES, deadline=None)
@given(EVENTS)
def test_the_bytes_of_an_event_give_the_event_back(event) -> None:
    """What can be read back without doubt, nothing else can have the bytes of."""
    assert read_back(canonical.encode(event, event["position"])) == event


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(EVENTS, st.sampled_from(["type", "actor", "origin", "outcome", "data"]), _text)
def test_text_that_moves_from_one_field_to_the_next_makes_other_bytes(event, name, more) -> None:
    names = ["type", "actor", "origin", "outcome", "data"]
    other = names[(names.index(name) + 1) % len(names)]
    moved = {**event, name: event[name] + more, other: event[other]}
    grown = {**event, name: event[name], other: more + event[other]}

    same = moved == grown
    assert (canonical.encode(moved, 1) == canonical.encode(grown, 1)) is same


async def test_the_database_makes_the_same_bytes(database_dsn, tmp_path) -> None:
    async with filled(database_dsn, tmp_path, 60) as (core, _), core.database.reading() as connection:
        await connection.execute(_SAME_BYTES)
        theirs = [row["bytes"] for row in await connection.fetch(_IN_THE_DATABASE)]
        rows = await connection.fetch(sql("sealed_log"), 0, EVERYTHING, EVERYTHING)

    assert [canonical.encode(row, row["position"]) for row in rows] == theirs
    assert len(theirs) >= 60


def read_back(raw: bytes) -> dict[str, object]:
    """The event that has these bytes, by the reference page alone."""
    assert raw[0] == 1
    fields: list[bytes | None] = []
    rest = raw[53:]
    while rest:
        length, rest = int.from_bytes(rest[:4]), rest[4:]
        if length == 0xFFFFFFFF:
            fields.append(None)
        else:
            field, rest = rest[:length], rest[length:]
            fields.append(field)
    kind, actor, origin, outcome, code, before, after, data = fields

    def number(start: int, end: int) -> int:
        return int.from_bytes(raw[start:end], signed=True)

    def words(field: bytes | None) -> str | None:
        return None if field is None else field.decode()

    return {
        "position": number(1, 9),
        "n": number(9, 17),
        "transaction_id": number(17, 25),
        "subject_id": UUID(bytes=raw[25:41]),
        "version": number(41, 45),
        "created_us": number(45, 53),
        "type": words(kind),
        "actor": words(actor),
        "origin": words(origin),
        "outcome": words(outcome),
        "code": words(code),
        "before_digest": before,
        "after_digest": after,
        "data": words(data),
    }
