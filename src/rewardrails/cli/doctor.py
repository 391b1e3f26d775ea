"""`rewardrails doctor`: what is wrong, and what to do next."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from rewardrails.cli.checks import examine
from rewardrails.cli.exits import ExitCode
from rewardrails.cli.findings import Finding, Level
from rewardrails.cli.needs import needs
from rewardrails.cli.output import count, table
from rewardrails.cli.session import Here
from rewardrails.security.scopes import Scope


@needs(Scope.READ)
async def doctor(*, deep: Annotated[bool, Parameter(negative="")] = False, session: Here) -> int:
    """Check everything and say what to do next. Exit code 1 when something needs somebody, 5 when the books are wrong.

    Parameters
    ----------
    deep
        Also recompute the whole log, and look at what every stored value is sealed with.
    """
    async with session.rails() as rails:
        findings = await examine(rails, deep=deep)
    rows = [(one.level.value, one.about, one.found, one.do) for one in findings]
    worst = [one for one in findings if one.level is Level.PROBLEM]
    session.output.show(
        findings,
        table("Doctor", ("", "about", "found", "what to do"), rows),
        _summary(findings),
    )
    if any(one.unbalanced for one in findings):
        return ExitCode.UNBALANCED
    return ExitCode.REFUSED if worst else ExitCode.OK


def _summary(findings: Sequence[Finding]) -> str:
    problems = sum(one.level is Level.PROBLEM for one in findings)
    warnings = sum(one.level is Level.WARNING for one in findings)
    tasks = sum(one.tasks for one in findings)
    said = [
        *([count(problems, "problem")] if problems else []),
        *([count(warnings, "warning")] if warnings else []),
        *([f"{count(tasks, 'payout')} waiting for people"] if tasks else []),
    ]
    return ", ".join(said) or "nothing needs anybody"
