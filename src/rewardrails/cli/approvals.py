"""`rewardrails approvals`: payouts that wait for a person's word."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from rich.table import Table

from rewardrails.api.schemas.approvals import WaitingOut
from rewardrails.api.schemas.common import decimal
from rewardrails.api.schemas.payouts import PayoutOut
from rewardrails.api.schemas.pools import PoolOut
from rewardrails.cli.exits import ExitCode
from rewardrails.cli.needs import needs
from rewardrails.cli.output import money, table
from rewardrails.cli.session import Here
from rewardrails.domain.payout import PayoutState
from rewardrails.engine import read
from rewardrails.engine.approve import Waiting
from rewardrails.engine.read import PayoutFilter
from rewardrails.errors import FieldInvalid
from rewardrails.facade import RewardRails
from rewardrails.security.scopes import Scope

app = App(name="approvals", help="Payouts that wait for people's approval. Whoever created one cannot approve it.")
_COLUMNS = ("id", "state", "why", ">amount", "reward", "player", "to", "created by", "batch")


@app.command
@needs(Scope.READ)
async def waiting(*, batch: UUID | None = None, limit: int = 20, session: Here) -> None:
    """Show what waits for approval: totals against the pools, and the newest payouts.

    Parameters
    ----------
    batch
        Only of this batch.
    limit
        How many payouts to list.
    """
    wanted = PayoutFilter(state=PayoutState.AWAITING_APPROVAL, batch_id=batch)
    async with session.rails() as rails:
        totals = await rails.gates.waiting(batch)
        payouts = [PayoutOut.of(rails.core, one) for one in await rails.list(wanted, limit=limit)]
        shown: list[Table | str] = [await _against_pools(rails, totals)]
        answer = {"waiting": [WaitingOut.of(rails.core, one) for one in totals], "payouts": payouts}
    shown.append(table("Payouts", _COLUMNS, [_row(one) for one in payouts]))
    unlisted = sum(one.payouts for one in totals) - len(payouts)
    more = [f"... and {unlisted} more: --limit"] if unlisted > 0 else []
    session.output.show(answer, *shown, *more)


@app.command
@needs(Scope.APPROVE, by_name=True)
async def approve(
    *payouts: UUID, batch: UUID | None = None, yes: Annotated[bool, Parameter(negative="")] = False, session: Here
) -> int:
    """Approve payouts: these, or all of a batch once you have seen its totals. It needs a key of your own (--as).

    Parameters
    ----------
    payouts
        Their ids; all of them are approved or, where one cannot be, none.
    batch
        Everything of this batch that waits.
    yes
        Do not ask.
    """
    if bool(payouts) == (batch is not None):
        raise FieldInvalid("name payouts, or a batch with --batch ID")
    async with session.rails() as rails:
        if batch is not None:
            return await _approve_batch(session, rails, batch, ask=not yes)
        seen = [PayoutOut.of(rails.core, await read.read_payout(rails.core, one)) for one in dict.fromkeys(payouts)]
        session.output.note(table("To approve", _COLUMNS, [_row(one) for one in seen]))
        these = "this payout" if len(seen) == 1 else f"these {len(seen)} payouts"
        if not yes and not await session.output.ask(f"approve {these}?"):
            return _nothing(session)
        await rails.gates.approve({one.id: one.approval_digest for one in seen})
        now = [PayoutOut.of(rails.core, await read.read_payout(rails.core, one)) for one in dict.fromkeys(payouts)]
    session.output.show(now, table("Payouts", _COLUMNS, [_row(one) for one in now]), _still_waiting(now))
    return ExitCode.OK


async def _approve_batch(session: Here, rails: RewardRails, batch: UUID, *, ask: bool) -> int:
    seen = await rails.gates.waiting(batch)
    if not seen:
        session.output.show({"approved": 0, "waiting": []}, f"nothing of batch {batch} waits for approval")
        return ExitCode.OK
    session.output.note(await _against_pools(rails, seen))
    question = f"approve all {sum(one.payouts for one in seen)} payouts of this batch?"
    if ask and not await session.output.ask(question):
        return _nothing(session)
    approved = await rails.gates.approve_batch(batch, seen=seen)
    left = await rails.gates.waiting(batch)
    still = sum(one.payouts for one in left)
    after = f"{still} of them wait for another person" if still else "none of the batch waits for approval any more"
    answer = {"approved": approved, "waiting": [WaitingOut.of(rails.core, one) for one in left]}
    session.output.show(answer, f"you approved {approved} payouts; {after}")
    return ExitCode.OK


def _nothing(session: Here) -> int:
    session.output.complain("nothing was approved: answer y, or give --yes")
    return ExitCode.REFUSED


async def _against_pools(rails: RewardRails, totals: Sequence[Waiting]) -> Table:
    """What waits beside what its pool and its provider hold: the waiting amount is part of what is reserved."""
    pools = {pool.name: PoolOut.of(pool) for pool in await rails.pools()}
    rows = []
    for total, one in ((total, WaitingOut.of(rails.core, total)) for total in totals):
        pool = pools[total.pool]
        rows.append(
            (
                one.pool,
                one.provider or "-",
                one.payouts,
                money(one.amount, one.asset, one.amount_minor),
                money(pool.reserved, one.asset),
                money(pool.available, one.asset),
                _float(rails, total),
            )
        )
    columns = (
        "pool",
        "over",
        ">payouts",
        ">waits for approval",
        ">reserved in the pool",
        ">left available",
        ">provider has",
    )
    return table("Waiting for approval", columns, rows)


def _float(rails: RewardRails, total: Waiting) -> str:
    held = total.provider_float_minor
    return "not known" if held is None else money(decimal(rails.core, held, total.asset), total.asset, str(held))


def _still_waiting(now: Sequence[PayoutOut]) -> str:
    still = sum(one.state is PayoutState.AWAITING_APPROVAL for one in now)
    held = sum(one.state is PayoutState.HELD for one in now)
    words = [f"{still} wait for another person"] if still else []
    words += [f"{held} are held: rewardrails payouts explain ID"] if held else []
    return "; ".join(words) or "approved by everybody who is needed"


def _row(one: PayoutOut) -> tuple[object, ...]:
    return (
        one.id,
        one.state.value,
        one.hold_cause or one.code,
        money(one.amount, one.asset, one.amount_minor),
        f"{one.campaign} / {one.reward_id}",
        one.player_id,
        f"{one.destination_kind} {one.destination_masked}",
        one.created_by,
        one.batch_id,
    )
