"""From what is written about gates to the rules they go by."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from rewardrails.config import file as written
from rewardrails.config import locate
from rewardrails.config.file_gates import ApprovalRuleTable, EligibilityTable, LimitTable
from rewardrails.config.problems import Problem, unknown_name
from rewardrails.domain.assets import Asset
from rewardrails.domain.policy.rules import ApprovalRule, DestinationRule, Eligibility, Limit, Rules

ReadAmount = Callable[[locate.Path, str, Asset | str], int | None]
"""Smallest units of an amount written for an asset (or its code); None when that is a problem, which is told elsewhere."""


def rules_of(file: written.File, read_amount: ReadAmount) -> Rules:
    """The rules of a file whose names were checked."""
    unit = Asset(code=file.reference.unit, exponent=file.reference.exponent, redeemable=False)
    return Rules(
        campaigns={name: _eligibility(table, table.jurisdictions) for name, table in file.campaigns.items()},
        providers={name: _eligibility(table, table.jurisdictions) for name, table in file.providers.items()},
        limits=tuple(_limit(index, table, unit, read_amount) for index, table in enumerate(file.limits)),
        destinations={name: _destination(name, table, read_amount) for name, table in file.destination_kinds.items()},
        approvals=tuple(_approval(index, table, read_amount) for index, table in enumerate(file.approvals)),
        payable=frozenset(code for code, asset in file.assets.items() if asset.redeemable),
        list_age=timedelta(days=file.screening.max_list_age_days),
        rate_age=timedelta(hours=file.reference.max_age_hours),
        reference_unit=unit.code,
        reference_exponent=unit.exponent,
        risk_threshold=file.risk.hold_from,
        hold_deadline=timedelta(hours=file.holds.deadline_hours),
    )


def contradictions(file: written.File) -> Iterator[Problem]:
    """Everything about gates that cannot be meant."""
    yield from _twice("limits", [table.name for table in file.limits])
    yield from _twice("approvals", [table.name for table in file.approvals])
    for index, limit in enumerate(file.limits):
        here: locate.Path = ("limits", index)
        yield from _names(file, here, asset=limit.asset, campaigns=limit.campaigns, providers=limit.providers)
        if limit.max_amount is None and limit.max_count is None:
            yield Problem((*here, "name"), "limits nothing: give max_amount or max_count")
        if limit.hours is not None and limit.window is not None:
            yield Problem((*here, "window"), "give hours or a window, not both")
    for index, rule in enumerate(file.approvals):
        here = ("approvals", index)
        yield from _names(file, here, asset=rule.asset, campaigns=rule.campaigns, providers=rule.providers)
        yield from (
            Problem((*here, "pools"), unknown_name("pool", pool, file.pools))
            for pool in rule.pools
            if pool not in file.pools
        )
        if rule.asset is None and (rule.above or rule.batch_above):
            yield Problem((*here, "name"), "an amount needs the asset it is in: add asset")
    for name, kind in file.destination_kinds.items():
        for code in kind.rules.prove_above:
            if code not in file.assets:
                where = ("destination_kinds", name, "rules", "prove_above", code)
                yield Problem(where, unknown_name("asset", code, file.assets))


def _names(
    file: written.File, here: locate.Path, *, asset: str | None, campaigns: list[str], providers: list[str]
) -> Iterator[Problem]:
    if asset is not None and asset not in file.assets:
        yield Problem((*here, "asset"), unknown_name("asset", asset, file.assets))
    for campaign in campaigns:
        if campaign not in file.campaigns:
            yield Problem((*here, "campaigns"), unknown_name("campaign", campaign, file.campaigns))
    for provider in providers:
        if provider not in file.providers:
            yield Problem((*here, "providers"), unknown_name("provider", provider, file.providers))


def _twice(key: str, names: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem((key, index, "name"), f"two {key} are called {name!r}")


def _eligibility(table: EligibilityTable, allow: list[str]) -> Eligibility:
    return Eligibility(
        allow=frozenset(allow),
        deny=frozenset(table.deny_jurisdictions),
        minimum_age=table.minimum_age,
        checks=frozenset(table.requires),
    )


def _limit(index: int, table: LimitTable, unit: Asset, read_amount: ReadAmount) -> Limit:
    maximum = None
    if table.max_amount is not None:
        maximum = read_amount(("limits", index, "max_amount"), table.max_amount, table.asset or unit)
    return Limit(
        name=table.name,
        per=table.per,
        window=timedelta(hours=table.hours) if table.hours is not None else None,
        calendar_day=table.window is not None,
        asset=table.asset,
        max_minor=maximum,
        max_count=table.max_count,
        campaigns=frozenset(table.campaigns),
        providers=frozenset(table.providers),
    )


def _destination(name: str, kind: written.KindTable, read_amount: ReadAmount) -> DestinationRule:
    table = kind.rules
    here: locate.Path = ("destination_kinds", name, "rules", "prove_above")
    return DestinationRule(
        screened=table.screened,
        screeners=frozenset(table.screeners),
        only_listed=table.only_listed,
        cooling_off=timedelta(hours=table.cooling_off_hours),
        prove_above={code: read_amount((*here, code), text, code) or 0 for code, text in table.prove_above.items()},
        proof_lasts=timedelta(days=table.proof_days),
        max_players=table.max_players,
        max_per_player=table.max_per_player,
    )


def _approval(index: int, table: ApprovalRuleTable, read_amount: ReadAmount) -> ApprovalRule:
    amounts = {
        key: read_amount(("approvals", index, key), text, table.asset)
        for key, text in (("above", table.above), ("batch_above", table.batch_above))
        if text is not None and table.asset is not None
    }
    return ApprovalRule(
        name=table.name,
        needs=table.needs,
        asset=table.asset,
        above_minor=amounts.get("above"),
        batch_above_minor=amounts.get("batch_above"),
        campaigns=frozenset(table.campaigns),
        providers=frozenset(table.providers),
        pools=frozenset(table.pools),
        creators=frozenset(table.creators),
        fresh=timedelta(minutes=table.fresh_minutes) if table.fresh_minutes is not None else None,
    )
