"""Every parser, hostile input: typed errors only, soon, in little memory."""

import time
import tracemalloc
from contextlib import suppress

import pytest

from tests.parsers.attack import attack
from tests.parsers.large import large
from tests.parsers.rails import RAIL_READERS
from tests.parsers.readers import READERS, Reader

EXAMPLES = 2_000
ALL = (*READERS, *RAIL_READERS)
LINE, MEGABYTE = 8_000, 1_000_000
MEGABYTE_SECONDS = 10.0
MEMORY_BYTES = 32 * 1024 * 1024


@pytest.mark.promise("G8")
@pytest.mark.parametrize("reader", ALL, ids=lambda reader: reader.name)
def test_a_parser_refuses_hostile_input_by_type_and_soon(reader: Reader, trials) -> None:
    trials(attack(reader, EXAMPLES, derandomized=True))


@pytest.mark.promise("G8")
@pytest.mark.parametrize("reader", ALL, ids=lambda reader: reader.name)
def test_a_megabyte_is_read_soon(reader: Reader) -> None:
    for much in (*large(LINE)[reader.name], *large(MEGABYTE)[reader.name]):
        started = time.process_time()

        with suppress(*reader.refuses):
            reader.read(much)

        assert time.process_time() - started < MEGABYTE_SECONDS


@pytest.mark.promise("G8")
@pytest.mark.parametrize("reader", ALL, ids=lambda reader: reader.name)
def test_much_is_read_in_little_memory(reader: Reader) -> None:
    for much in large(MEGABYTE // 10)[reader.name]:
        tracemalloc.start()

        with suppress(*reader.refuses):
            reader.read(much)

        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MEMORY_BYTES
