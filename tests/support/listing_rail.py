"""Rails inside the test's own process that account for what they paid: one is asked, of the other a person brings a file."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from rewardrails import clock
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementFile, StatementItem, Window
from tests.support.scripted_rail import ScriptedRail


def somebodys(item_id: str) -> StatementItem:
    """A payment that has no name of ours."""
    return StatementItem(
        item_id=item_id,
        amount=Money(amount_minor=90_000, asset="EUR"),
        told="900.00 EUR",
        status=ObservedStatus.PAID,
        at=clock.now() - timedelta(hours=1),
    )


class ListingRail(ScriptedRail):
    """Lists one payment of somebody else."""

    async def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        yield [somebodys("listed")]


class BankRail(ScriptedRail):
    """Reads every file as one payment of somebody else, yesterday."""

    def read_statement(self, data: bytes) -> StatementFile:
        covers = Window(start=clock.now() - timedelta(days=1), end=clock.now())
        return StatementFile(covers=covers, items=(somebodys(data.decode()),))
