"""The catalogue is total, and an error carries its code, field and place."""

import re

import pytest

from rewardrails.error_codes import CATALOGUE, ErrorClass
from rewardrails.errors import (
    AmountInvalid,
    ConfigInvalid,
    ErrorCode,
    FieldInvalid,
    NotCancelableError,
    RewardRailsError,
    StateConflict,
    WebhookRefused,
)

COMPLIANCE_WORDS = re.compile(
    r"sanction|screen|complian|legal|block|jurisdiction|country|approv|review|limit|fraud|abuse|suspic|cooling|list",
    re.IGNORECASE,
)


def every_subclass(cls: type[RewardRailsError]) -> list[type[RewardRailsError]]:
    return [sub for child in cls.__subclasses__() for sub in (child, *every_subclass(child))]


def test_every_code_has_an_entry_and_nothing_else_has() -> None:
    assert set(CATALOGUE) == set(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode)
def test_entry_tells_the_operator_the_next_step_and_the_player_something(code: ErrorCode) -> None:
    info = CATALOGUE[code]
    assert 400 <= info.http_status <= 599
    assert ": " in info.operator_text, "what happened, then what to do"
    assert info.player_text.endswith(".")


@pytest.mark.promise("G6")
@pytest.mark.parametrize("code", ErrorCode)
def test_player_text_reveals_no_compliance_reason(code: ErrorCode) -> None:
    assert not COMPLIANCE_WORDS.search(CATALOGUE[code].player_text)


def test_player_cannot_tell_a_screening_hold_from_other_checks() -> None:
    checks = [
        ErrorCode.SCREENING_HOLD,
        ErrorCode.DESTINATION_BLOCKED,
        ErrorCode.LEGAL_APPROVAL_MISSING,
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.APPROVAL_REQUIRED,
    ]
    assert len({CATALOGUE[code].player_text for code in checks}) == 1


def test_unknown_outcome_is_a_class_of_its_own() -> None:
    unknown = [code for code in ErrorCode if CATALOGUE[code].error_class is ErrorClass.UNKNOWN]
    assert unknown == [ErrorCode.OUTCOME_UNKNOWN]


@pytest.mark.parametrize("cls", every_subclass(RewardRailsError))
def test_every_exception_has_a_code_and_a_docstring(cls: type[RewardRailsError]) -> None:
    assert cls.code in ErrorCode
    assert cls.code is not ErrorCode.INTERNAL_ERROR
    assert cls.__doc__


def test_error_carries_code_message_and_field() -> None:
    error = AmountInvalid("amount must be more than zero", field="amount")
    assert (error.code, error.message, error.field) == (
        ErrorCode.AMOUNT_INVALID,
        "amount must be more than zero",
        "amount",
    )
    assert str(error) == error.message
    assert error.info is CATALOGUE[ErrorCode.AMOUNT_INVALID]


def test_instance_may_carry_a_code_of_its_own() -> None:
    error = RewardRailsError("no such campaign", code=ErrorCode.CAMPAIGN_UNKNOWN)
    assert error.code is ErrorCode.CAMPAIGN_UNKNOWN
    assert RewardRailsError("defect").code is ErrorCode.INTERNAL_ERROR


def test_narrow_errors_are_caught_as_their_family() -> None:
    assert issubclass(AmountInvalid, FieldInvalid)
    assert issubclass(NotCancelableError, StateConflict)


@pytest.mark.parametrize(
    ("file", "line", "text"),
    [
        ("rewardrails.toml", 7, "rewardrails.toml:7: bad"),
        ("rewardrails.toml", None, "rewardrails.toml: bad"),
        (None, None, "bad"),
    ],
)
def test_config_error_starts_with_its_place(file: str | None, line: int | None, text: str) -> None:
    assert str(ConfigInvalid("bad", file=file, line=line)) == text


def test_refused_webhook_says_which_of_its_codes() -> None:
    assert WebhookRefused("too old", code=ErrorCode.WEBHOOK_STALE).code is ErrorCode.WEBHOOK_STALE
