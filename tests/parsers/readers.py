"""Every place where a text from outside becomes something of ours, what it may refuse with, and true texts to spoil."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

from rewardrails.api import body, pagination
from rewardrails.api.schemas.payouts import DestinationIn, PayoutIn, ResolutionIn
from rewardrails.config import Config
from rewardrails.domain.assets import MAX_MINOR, Asset, format_amount, parse_amount
from rewardrails.domain.destination import PARSERS, parse_destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.engine import notice_codec
from rewardrails.errors import AmountInvalid, ConfigInvalid, DestinationInvalid, FieldInvalid, FileInvalid
from rewardrails.intake.reader import FileFormat
from rewardrails.providers.certainty import MAX_RETRY_AFTER_SECONDS, retry_after_seconds
from rewardrails.providers.http import HttpReply
from tests.parsers.hostile import almost, almost_bytes, anything
from tests.parsers.truths import ADDRESSES, CONFIG, CSV, CURSORS, DATES, NDJSON, PAYOUT
from tests.support.reward_files import chunks

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One parser: `read` takes what `inputs` make, and may raise `refuses` and nothing else."""

    name: str
    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], object]
    refuses: tuple[type[Exception], ...]


def amount(drawn: tuple[str, int]) -> None:
    text, exponent = drawn
    minor = parse_amount(text, Asset(code="X", exponent=exponent, redeemable=True))
    assert 0 < minor <= MAX_MINOR
    assert parse_amount(format_amount(minor, exponent), Asset(code="X", exponent=exponent, redeemable=True)) == minor


def destination(parser: str) -> Callable[[tuple[str, str]], None]:
    def read(drawn: tuple[str, str]) -> None:
        text, memo = drawn
        for network in ("mainnet", "testnet"):
            first = parse_destination(parser, kind="k", text=text, memo=memo, network=network)
            again = parse_destination(parser, kind="k", text=first.value, memo=first.memo, network=network)
            assert again == first
            first.value.encode()
            first.memo.encode()
            assert "\x1f" not in first.value + first.memo
            assert first.masked() != first.value or parser == "note"

    return read


def file(file_format: FileFormat) -> Callable[[tuple[bytes, int]], None]:
    def read(drawn: tuple[bytes, int]) -> None:
        content, piece = drawn
        rows = [row for chunk in finish(chunks(content, file_format, piece=piece)) for row in chunk.rows]
        for row in rows:
            assert (row.reward is None) != (row.refusal is None)
            row.reward_id.encode()
            assert "\x00" not in row.reward_id

    return read


def finish(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of something asynchronous that never waits."""
    with asyncio.Runner() as runner:
        return runner.run(work)


def config(text: str) -> None:
    Config.parse(text, {"TOKEN": "t"})


def json_body(kind: type) -> Callable[[bytes], object]:
    decoder = msgspec.json.Decoder(kind)
    return lambda raw: body.decode(decoder, raw)


def cursor(text: str) -> None:
    errors = 0
    for read in (pagination.after_id, pagination.after_number):
        try:
            place = read(text)
        except FieldInvalid:
            errors += 1
        else:
            assert place is not None
            assert pagination.cursor_at(place)
    assert errors >= 1, "one cursor means two things"


def retry_after(text: str) -> None:
    seconds = retry_after_seconds(HttpReply(status=429, headers={"retry-after": text}, body=b""), NOW)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_SECONDS


def rail_key(text: str) -> None:
    found = AttemptRef.parse(text)
    assert found is None or found.rail_key == text


def kept_notice(drawn: tuple[str, str, str]) -> None:
    key, reference, word = drawn
    said = Observation(
        status=ObservedStatus.PAID,
        rail_key=key,
        provider_reference=reference,
        evidence=Evidence(provider_status=word, provider_code=word),
    )
    assert notice_codec.decode(notice_codec.encode([said]), "") == [said]


_PIECES = st.sampled_from([1, 7, 64, 65536])
READERS: tuple[Reader, ...] = (
    Reader(
        name="amount",
        inputs=st.tuples(almost("12.50", "0.01", "9" * 38, "1", "0.000000001"), st.integers(0, 30)),
        read=amount,
        refuses=(AmountInvalid,),
    ),
    *(
        Reader(
            name=parser,
            inputs=st.tuples(almost(*ADDRESSES[parser]), anything | st.just("")),
            read=destination(parser),
            refuses=(DestinationInvalid,),
        )
        for parser in PARSERS
    ),
    Reader(
        name="csv",
        inputs=st.tuples(almost_bytes(*CSV), _PIECES),
        read=file(FileFormat.CSV),
        refuses=(FileInvalid,),
    ),
    Reader(
        name="ndjson",
        inputs=st.tuples(almost_bytes(*NDJSON), _PIECES),
        read=file(FileFormat.NDJSON),
        refuses=(FileInvalid,),
    ),
    Reader(name="config", inputs=almost(*CONFIG), read=config, refuses=(ConfigInvalid,)),
    Reader(name="payout body", inputs=almost_bytes(PAYOUT), read=json_body(PayoutIn), refuses=(FieldInvalid,)),
    Reader(
        name="evidence body",
        inputs=almost_bytes('{"outcome": "paid", "evidence": "statement of the rail, line 7"}'),
        read=json_body(ResolutionIn),
        refuses=(FieldInvalid,),
    ),
    Reader(
        name="destination body",
        inputs=almost_bytes('{"destination": "player@example.org", "memo": ""}'),
        read=json_body(DestinationIn),
        refuses=(FieldInvalid,),
    ),
    Reader(name="cursor", inputs=almost(*CURSORS), read=cursor, refuses=()),
    Reader(name="retry-after", inputs=almost("120", *DATES), read=retry_after, refuses=()),
    Reader(name="rail key", inputs=almost("0190c7e8b5e87000800000000000000a-1", "-1"), read=rail_key, refuses=()),
    Reader(
        name="kept notice",
        inputs=st.tuples(anything, anything, anything),
        read=kept_notice,
        refuses=(ValueError,),
    ),
)
