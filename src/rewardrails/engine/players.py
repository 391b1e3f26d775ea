"""What the game tells of its players: references to checks made elsewhere, and how much it distrusts them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rewardrails import ids
from rewardrails.domain.policy.case import CheckKind, CheckResult
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """How a check came out and until when that counts; `reference` names it at whoever made it, `age` in years."""

    player_id: str
    kind: CheckKind
    result: CheckResult
    reference: str
    expires_at: datetime
    age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskReport:
    """A risk score of 0 to 100 with its reasons, and until when it counts."""

    player_id: str
    score: int
    reasons: tuple[str, ...]
    expires_at: datetime


async def report_checks(core: Core, reports: Sequence[CheckReport], *, actor: str) -> None:
    """Take over the latest checks; payouts they concern are judged again at once. Raises `FieldInvalid`."""
    await core.database.run_once(lambda tx: report_checks_within(tx, reports, actor=actor))


async def report_checks_within(tx: Connection, reports: Sequence[CheckReport], *, actor: str) -> None:
    """`report_checks` inside the caller's transaction."""
    reports = [replace(report, player_id=report.player_id.strip()) for report in reports]
    for at, report in enumerate(reports):
        if not report.player_id:
            raise FieldInvalid("a check names its player", field=f"reports[{at}].player_id")
        if not report.reference.strip():
            raise FieldInvalid("a check names its reference", field=f"reports[{at}].reference")
        if report.kind is CheckKind.AGE and report.result is CheckResult.PASSED and report.age is None:
            raise FieldInvalid("an age check that passed says which age it proves", field=f"reports[{at}].age")
        if report.age is not None and not 0 <= report.age <= 150:
            raise FieldInvalid("an age is between 0 and 150", field=f"reports[{at}].age")
    latest = {(report.player_id, report.kind): report for report in reports}.values()
    await tx.execute(
        sql("upsert_player_checks"),
        [report.player_id for report in latest],
        [report.kind.value for report in latest],
        [report.result.value for report in latest],
        [report.age for report in latest],
        [report.reference.strip() for report in latest],
        [report.expires_at for report in latest],
        actor,
    )
    facts = [
        _fact("player.checked", report, kind=report.kind.value, result=report.result.value, age=report.age)
        for report in latest
    ]
    await record_facts(tx, facts, actor=actor)
    await tx.execute(sql("judge_player_again"), [report.player_id for report in latest])
    await tx.fetch(sql("wait_for_claims"))


async def report_risk(core: Core, reports: Sequence[RiskReport], *, actor: str) -> None:
    """Take over the latest scores; payouts they concern are judged again at once. Raises `FieldInvalid`."""
    await core.database.run_once(lambda tx: report_risk_within(tx, reports, actor=actor))


async def report_risk_within(tx: Connection, reports: Sequence[RiskReport], *, actor: str) -> None:
    """`report_risk` inside the caller's transaction."""
    reports = [replace(report, player_id=report.player_id.strip()) for report in reports]
    for at, report in enumerate(reports):
        if not report.player_id:
            raise FieldInvalid("a risk score names its player", field=f"reports[{at}].player_id")
        if not 0 <= report.score <= 100:
            raise FieldInvalid("a risk score is between 0 and 100", field=f"reports[{at}].score")
    latest = {report.player_id: report for report in reports}.values()
    await tx.execute(
        sql("upsert_player_risks"),
        [report.player_id for report in latest],
        [report.score for report in latest],
        ["\x1f".join(report.reasons) for report in latest],
        [report.expires_at for report in latest],
        actor,
    )
    facts = [_fact("player.risk_reported", report, score=report.score, reasons=report.reasons) for report in latest]
    await record_facts(tx, facts, actor=actor)
    await tx.execute(sql("judge_player_again"), [report.player_id for report in latest])
    await tx.fetch(sql("wait_for_claims"))


def _fact(event: str, report: CheckReport | RiskReport, **said: object) -> Fact:
    data = {"player_id": report.player_id, "expires_at": report.expires_at.isoformat()} | said
    return Fact(subject_id=ids.new_id(), version=1, type=event, data=json.dumps(data))
