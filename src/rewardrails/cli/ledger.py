"""`rewardrails ledger`: do the books balance?"""

from cyclopts import App

from rewardrails.cli.exits import ExitCode
from rewardrails.cli.needs import needs
from rewardrails.cli.session import Here
from rewardrails.security.scopes import Scope

app = App(name="ledger", help="The books.")


@app.command
@needs(Scope.READ)
async def verify(*, session: Here) -> int:
    """Check every book-keeping rule in one snapshot; changes nothing. Exit code 5 when one is broken."""
    async with session.rails() as rails:
        report = await rails.verify_ledger()
    session.output.show(
        {"balances": report.balances, "broken": report.broken, "suspense": report.suspense},
        "the books balance"
        if report.balances
        else "THE BOOKS DO NOT BALANCE: stop sending (rewardrails pause set everything)",
        *report.broken,
        *(f"to be covered by a person: {line}" for line in report.suspense),
    )
    return ExitCode.OK if report.balances else ExitCode.UNBALANCED
