"""A secret shows only a mask, whichever way it is printed, stored or sent."""

import copy
import json
import pickle
import traceback
from collections.abc import Callable

import msgspec
import pytest

from rewardrails.secrets import Secret

PLAIN = "hunter2-hunter2"


@pytest.mark.promise("G6")
@pytest.mark.incident("I25")
@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>40}",
        lambda secret: f"{secret:>40}",
        lambda secret: "%s" % secret,  # noqa: UP031 - logging formats this way
        lambda secret: repr({"token": secret}),
    ],
)
def test_printing_shows_only_a_mask(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(PLAIN))
    assert PLAIN not in shown
    assert "***" in shown


def test_mask_does_not_tell_the_length() -> None:
    assert str(Secret("a")) == str(Secret(PLAIN))


@pytest.mark.promise("G6")
@pytest.mark.parametrize("store", [pickle.dumps, json.dumps, msgspec.json.encode, msgspec.msgpack.encode, list, bytes])
def test_storing_and_unpacking_fail(store: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError):
        store(Secret(PLAIN))


@pytest.mark.promise("G6")
@pytest.mark.incident("I25")
def test_traceback_with_locals_shows_no_secret() -> None:
    def fail(secret: Secret) -> None:
        raise LookupError(f"nothing for {secret}")

    with pytest.raises(LookupError) as caught:
        fail(Secret(PLAIN))
    lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    secret_lines = [line for line in lines if "secret" in line]
    assert secret_lines
    assert not any(PLAIN in line for line in secret_lines)


def test_reveal_gives_the_plain_text() -> None:
    assert Secret(PLAIN).reveal() == PLAIN


@pytest.mark.parametrize(("candidate", "same"), [(PLAIN, True), (PLAIN[:-1], False), ("", False), ("пароль", False)])
def test_matches_the_same_text_only(candidate: str, same: bool) -> None:
    assert Secret(PLAIN).matches(candidate) is same


def test_secrets_compare_with_each_other_but_never_with_plain_text() -> None:
    assert Secret(PLAIN) == Secret(PLAIN)
    assert Secret(PLAIN) != Secret("other")
    assert Secret(PLAIN) != PLAIN
    assert len({Secret(PLAIN), Secret(PLAIN)}) == 1


def test_empty_secret_is_false_and_copies_are_the_same() -> None:
    assert not Secret("")
    secret = Secret(PLAIN)
    assert copy.copy(secret) is secret
    assert copy.deepcopy(secret) is secret
