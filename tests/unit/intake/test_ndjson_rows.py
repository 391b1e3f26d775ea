"""JSON lines, one object of strings each; whatever else a line holds refuses that line alone."""

import json

import pytest

from rewardrails.domain.reward import COLUMNS
from rewardrails.intake.lines import MAX_RECORD_BYTES
from rewardrails.intake.reader import FileFormat
from tests.support.reward_files import GOOD, rows, verdicts

FIELDS = dict(zip(COLUMNS, GOOD.split(","), strict=True))
LINE = json.dumps(FIELDS)
REFUSED = "field_invalid"


def line(**changes: object) -> str:
    return json.dumps(FIELDS | changes)


def without(name: str) -> str:
    return json.dumps({key: value for key, value in FIELDS.items() if key != name})


async def judged(*lines: str | bytes) -> list[str]:
    return await verdicts(
        b"\n".join(one if isinstance(one, bytes) else one.encode() for one in lines), FileFormat.NDJSON
    )


@pytest.mark.parametrize("text", [LINE, LINE + "\r", f"  {LINE}  ", without("memo"), line(memo="a\nb")])
async def test_object_of_strings_is_a_reward(text: str) -> None:
    assert await judged(LINE, text, LINE) == ["", "", ""]


async def test_byte_order_mark_and_blank_lines_make_no_difference() -> None:
    assert await judged(b"\xef\xbb\xbf", "", LINE, "  ", "\r", LINE, "") == ["", ""]
    assert await judged(b"\xef\xbb\xbf" + LINE.encode()) == [""]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (line(amount=25), "amount"),
        (line(amount=25.0), "amount"),
        (line(player_id=None), "player_id"),
        (line(memo=None), "memo"),
        (line(memo=["a"]), "memo"),
        (line(destination={"a": "b"}), "destination"),
        (line(reward_id=True), "reward_id"),
        (without("reward_id"), "reward_id"),
        (without("destination_kind"), "destination_kind"),
        (line(reward_id=""), "reward_id"),
        (LINE.replace("{", '{"reward_id": "other", ', 1), "reward_id"),
        (LINE.replace("{", '{"amount": "1", ', 1), "amount"),
        (line(player_id="a\u0001"), "player_id"),
        ('{"reward_id": "\\ud800"' + LINE[len('{"reward_id": "s7-1"') :], "reward_id"),
    ],
)
async def test_field_at_fault_is_named(text: str, field: str) -> None:
    before, bad, after = await rows("\n".join([LINE, text, LINE]), FileFormat.NDJSON)
    assert before.reward
    assert after.reward
    assert bad.refusal is not None
    assert (bad.refusal.code.value, bad.refusal.field) == (REFUSED, field)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{",
        "null",
        "[]",
        "{}",
        '"text"',
        "25",
        f"[{LINE}]",
        LINE + LINE,
        LINE.replace('"25.00"', "NaN"),
        LINE.replace('"25.00"', "Infinity"),
        LINE.replace('"25.00"', "-Infinity"),
        LINE.replace('"25.00"', "9" * 10_000),
        LINE.replace('"25.00"', "1e999999999"),
        LINE.replace('"25.00"', "[" * 50_000),
        LINE.replace('"25.00"', '{"a":' * 20_000),
        "[" * 100_000,
        "[" * 10_000 + "]" * 10_000,
        LINE.replace("{", '{"colour": "red", "colour": "red", ', 1),
        line(colour="red"),
        line(memo="m" * (MAX_RECORD_BYTES + 1)),
        LINE.replace("telegram:42", "a\tb"),
        LINE.replace('"', "'"),
    ],
)
async def test_line_that_is_no_object_of_ours_is_refused_alone(text: str) -> None:
    assert await judged(LINE, text, LINE) == ["", REFUSED, ""]


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\x00"])
async def test_bad_bytes_refuse_their_line_alone(bad: bytes) -> None:
    assert await judged(LINE, LINE.encode().replace(b"telegram", bad), LINE, bad) == ["", REFUSED, "", REFUSED]


@pytest.mark.parametrize(
    ("text", "reward_id"),
    [
        (line(amount=25), "s7-1"),
        (line(amount="-1"), "s7-1"),
        (line(reward_id=7), ""),
        ("{", ""),
        (line(x="y"), "s7-1"),
        (LINE.replace("{", '{"amount": "1", ', 1), "s7-1"),
        (LINE.replace("{", '{"reward_id": "other", ', 1), ""),
    ],
)
async def test_refused_line_tells_its_reward_id_where_that_can_be_read(text: str, reward_id: str) -> None:
    (found,) = await rows(text, FileFormat.NDJSON)
    assert found.refusal is not None
    assert found.reward_id == reward_id


@pytest.mark.promise("G6")
async def test_no_message_shows_what_the_line_held() -> None:
    (found,) = await rows(line(**{"player1@example.com": "x"}), FileFormat.NDJSON)
    assert found.refusal is not None
    assert "player1" not in found.refusal.message
