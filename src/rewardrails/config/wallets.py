"""From what is written about screeners, proofs of ownership and floats to what the code goes by."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import cast

from rewardrails.config import file as written
from rewardrails.config import locate
from rewardrails.config.file_gates import FloatTable
from rewardrails.config.gates import ReadAmount
from rewardrails.config.model import OwnershipSettings, ScreenerSettings
from rewardrails.config.problems import Problem, unknown_name
from rewardrails.domain.policy.floats import FloatRule
from rewardrails.providers.context import SettingValue
from rewardrails.secrets import Secret


def contradictions(file: written.File) -> Iterator[Problem]:
    """Screeners that nobody describes, and floats of assets that are not there or that bound nothing."""
    for kind, table in file.destination_kinds.items():
        for name in table.rules.screeners:
            if name not in file.screeners:
                where = ("destination_kinds", kind, "rules", "screeners")
                yield Problem(where, unknown_name("screener", name, file.screeners))
    for provider, settings in file.providers.items():
        for code, bounds in settings.floats.items():
            here: locate.Path = ("providers", provider, "floats", code)
            if code not in file.assets:
                yield Problem(here, unknown_name("asset", code, file.assets))
            if bounds.minimum is None and bounds.cap is None:
                yield Problem(here, "bounds nothing: give minimum or cap")


def screener_of(name: str, file: written.File, credentials: Mapping[str, Secret]) -> ScreenerSettings:
    """A screener and the kinds of destination that ask for it."""
    table = file.screeners[name]
    return ScreenerSettings(
        adapter=table.adapter,
        settings=cast("Mapping[str, SettingValue]", table.settings),  # the same recursive type under two names
        credentials=credentials,
        kinds=frozenset(kind for kind, one in file.destination_kinds.items() if name in one.rules.screeners),
        answers_last=timedelta(hours=table.answers_last_hours),
        ask_again=timedelta(seconds=table.ask_again_seconds),
    )


def ownership_of(file: written.File) -> OwnershipSettings:
    """Which proofs count for which kind of destination."""
    return OwnershipSettings(
        domain=file.ownership.domain,
        challenge_lasts=timedelta(minutes=file.ownership.challenge_minutes),
        proofs={kind: frozenset(table.rules.proofs) for kind, table in file.destination_kinds.items()},
    )


def floats_of(file: written.File, read_amount: ReadAmount) -> dict[str, dict[str, FloatRule]]:
    """The floats of each provider that has any, by asset."""
    return {
        name: {
            code: _rule(("providers", name, "floats", code), code, table, read_amount)
            for code, table in provider.floats.items()
        }
        for name, provider in file.providers.items()
        if provider.floats
    }


def _rule(here: locate.Path, code: str, table: FloatTable, read_amount: ReadAmount) -> FloatRule:
    def amount(key: str, text: str | None) -> int | None:
        if text is None or set(text) <= {"0", "."}:
            return None if text is None else 0
        return read_amount((*here, key), text, code)

    return FloatRule(
        minimum_minor=amount("minimum", table.minimum),
        cap_minor=amount("cap", table.cap),
        max_age=timedelta(minutes=table.max_age_minutes),
    )
