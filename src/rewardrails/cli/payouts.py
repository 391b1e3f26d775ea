"""`rewardrails payouts`: see them, and do what people may do to them."""

from uuid import UUID

from cyclopts import App
from rich.table import Table

from rewardrails.api.schemas.payouts import PayoutDetail, PayoutOut, ResolutionOut
from rewardrails.cli.explain import explain, holding, list_holds
from rewardrails.cli.needs import needs
from rewardrails.cli.output import money, table
from rewardrails.cli.session import Here
from rewardrails.domain.payout import PayoutState
from rewardrails.engine import read
from rewardrails.engine.read import PayoutFilter
from rewardrails.engine.resolve import Resolved
from rewardrails.error_codes import CATALOGUE
from rewardrails.errors import ErrorCode
from rewardrails.facade import Reward, RewardRails
from rewardrails.security.scopes import Scope

app = App(name="payouts", help="See payouts, and do what people may do to them.")
app.command(explain)
app.command(list_holds, name="holds")
_STOPPED = frozenset({PayoutState.HELD, PayoutState.AWAITING_APPROVAL})
_COLUMNS = ("id", "state", "code", ">amount", "reward", "player", "to", "provider", "updated")


@app.command(name="list")
@needs(Scope.READ)
async def list_payouts(
    *,
    state: PayoutState | None = None,
    campaign: str | None = None,
    provider: str | None = None,
    player_id: str | None = None,
    reward_id: str | None = None,
    batch: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
    session: Here,
) -> None:
    """Show payouts, newest first.

    Parameters
    ----------
    before
        Go on after this payout, the last one shown before.
    limit
        How many.
    """
    wanted = PayoutFilter(
        state=state, campaign=campaign, provider=provider, player_id=player_id, reward_id=reward_id, batch_id=batch
    )
    async with session.rails() as rails:
        found = [PayoutOut.of(rails.core, one) for one in await rails.list(wanted, before=before, limit=limit)]
    shown: list[Table | str] = [table("Payouts", _COLUMNS, [_row(one) for one in found])]
    if len(found) == limit:
        shown.append(f"there may be more: --before {found[-1].id}")
    session.output.show(found, *shown)


@app.command
@needs(Scope.READ)
async def show(payout: UUID, *, session: Here) -> None:
    """Show one payout with its attempts, what was observed, and its history.

    Parameters
    ----------
    payout
        Its id.
    """
    async with session.rails() as rails:
        whole = await session.sees_words(rails.core)
        detail = PayoutDetail.of_history(rails.core, await rails.get(payout), whole=whole)
        explained = await rails.gates.explain(payout)
        held_by = holding((explained if whole else explained.without_words()).holds)
    session.output.show(detail, *_story(detail, held_by))


@app.command
@needs(Scope.PAYOUTS)
async def create(
    *,
    campaign: str,
    reward_id: str,
    player_id: str,
    amount: str,
    asset: str,
    jurisdiction: str,
    destination_kind: str,
    destination: str,
    memo: str = "",
    session: Here,
) -> None:
    """Pay one reward out. The same reward again answers the payout it is already.

    Parameters
    ----------
    amount
        In whole units, such as 12.50.
    """
    reward = Reward(
        campaign=campaign,
        reward_id=reward_id,
        player_id=player_id,
        amount=amount,
        asset=asset,
        jurisdiction=jurisdiction,
        destination_kind=destination_kind,
        destination=destination,
        memo=memo,
    )
    async with session.rails() as rails:
        result = await rails.pay_one(reward)
    words = "accepted" if result.verdict.value == "accepted" else "was taken on before"
    session.output.show(result, f"payout {result.payout_id} {words}; it is {result.state}")


@app.command
@needs(Scope.HOLD)
async def hold(payout: UUID, *, cause: str, session: Here) -> None:
    """Keep a payout from being sent until somebody releases it.

    Parameters
    ----------
    payout
        Its id.
    cause
        Why.
    """
    async with session.rails() as rails:
        await rails.hold(payout, cause=cause)
        await _told(session, rails, payout)


@app.command
@needs(Scope.RELEASE)
async def release(payout: UUID, *, reason: str = "", overrule: tuple[str, ...] = (), session: Here) -> None:
    """Let a held payout go on, if every gate agrees, or you overrule each that does not and may be overruled.

    Parameters
    ----------
    payout
        Its id.
    reason
        Why; needed to overrule a gate, and to end the hold of somebody else.
    overrule
        A gate to overrule, as `rewardrails payouts explain` names it: cooling_off, limits, list_review, risk or
        shared_destination. Once for each.
    """
    async with session.rails() as rails:
        await rails.release(payout, reason=reason, overrules=overrule)
        await _told(session, rails, payout)


@app.command
@needs(Scope.OPERATE)
async def retry(payout: UUID, *, session: Here) -> None:
    """Send a failed or returned payout again. An unknown outcome is resolved, never retried.

    Parameters
    ----------
    payout
        Its id.
    """
    async with session.rails() as rails:
        await rails.retry(payout)
        await _told(session, rails, payout)


@app.command
@needs(Scope.OPERATE)
async def cancel(payout: UUID, *, session: Here) -> None:
    """Stop a payout: at once while nothing was sent, through its rail afterwards.

    Parameters
    ----------
    payout
        Its id.
    """
    async with session.rails() as rails:
        await rails.cancel(payout)
        await _told(session, rails, payout)


@app.command
@needs(Scope.OPERATE)
async def destination(payout: UUID, text: str, *, memo: str = "", session: Here) -> None:
    """Give an unsent, failed or returned payout another destination of the same kind.

    Parameters
    ----------
    payout
        Its id.
    text
        The new destination.
    memo
        Its memo, if the kind has one.
    """
    async with session.rails() as rails:
        await rails.correct_destination(payout, destination=text, memo=memo)
        await _told(session, rails, payout)


@app.command
@needs(Scope.RESOLVE, by_name=True)
async def resolve(payout: UUID, *, outcome: Resolved, evidence: str, session: Here) -> None:
    """Settle an unknown outcome. It takes two people: each runs this with a key of their own (--as).

    Parameters
    ----------
    payout
        Its id.
    outcome
        What you found at the provider.
    evidence
        What you saw there and where; kept encrypted.
    """
    async with session.rails() as rails:
        resolution = ResolutionOut.of(await rails.resolve(payout, outcome=outcome, evidence=evidence))
    if resolution.confirmed_by is None:
        words = f"proposed: {outcome.value}; another person must now run the same with their own key"
    else:
        words = f"confirmed: payout {payout} is {resolution.state.value}"
    session.output.show(resolution, words)


async def _told(session: Here, rails: RewardRails, payout_id: UUID) -> None:
    now = PayoutOut.of(rails.core, await read.read_payout(rails.core, payout_id))
    session.output.show(now, table("", _COLUMNS, [_row(now)]))


def _row(one: PayoutOut) -> tuple[object, ...]:
    return (
        one.id,
        one.state.value,
        one.code or one.hold_cause,
        money(one.amount, one.asset, one.amount_minor),
        f"{one.campaign} / {one.reward_id}",
        one.player_id,
        f"{one.destination_kind} {one.destination_masked}",
        one.provider or "no route",
        one.updated_at,
    )


def _story(detail: PayoutDetail, held_by: list[Table]) -> list[Table | str]:
    attempts = [
        (one.attempt_no, one.provider, one.state, one.sends, one.provider_reference, one.code, one.updated_at)
        for one in detail.attempts
    ]
    observations = [
        (
            one.created_at,
            one.attempt_no,
            one.source,
            one.status,
            one.effect,
            one.code,
            one.provider_code,
            one.words,
            one.actor,
        )
        for one in detail.observations
    ]
    resolutions = [
        (
            one.proposed_at,
            one.outcome,
            one.evidence,
            one.proposed_by,
            one.confirmed_by or ("voided" if one.voided_at else "open"),
        )
        for one in detail.resolutions
    ]
    history = [(one.created_at, one.version, one.type, one.actor, one.position) for one in detail.history]
    shown: list[Table | str] = [table("Payout", _COLUMNS, [_row(detail)])]
    if detail.code in set(ErrorCode):
        shown.append(f"{detail.code}: {CATALOGUE[ErrorCode(detail.code)].operator_text}")
    return [
        *shown,
        *held_by,
        *([f"what to do: rewardrails payouts explain {detail.id}"] if detail.state in _STOPPED else []),
        table("Attempts", (">no", "provider", "state", ">sends", "reference there", "code", "updated"), attempts),
        table(
            "Observed",
            ("when", ">attempt", "by", "status", "effect", "code", "their code", "words", "actor"),
            observations,
        ),
        *(
            [table("Resolutions", ("when", "outcome", "evidence", "proposed by", "confirmed by"), resolutions)]
            if resolutions
            else []
        ),
        table("History", ("when", ">version", "event", "actor", ">position"), history),
    ]
