"""`rewardrails players`: what the game knows of its players: checks made elsewhere, and distrust; and their erasure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from rewardrails.cli.exits import ExitCode
from rewardrails.cli.moments import Moment
from rewardrails.cli.needs import needs
from rewardrails.cli.output import table
from rewardrails.cli.player_files import check_of, read_checks, read_erasures, read_risks, risk_of
from rewardrails.cli.session import Here
from rewardrails.domain.policy.case import CheckKind, CheckResult
from rewardrails.engine.erase import Erased, ErasureRequest
from rewardrails.errors import FieldInvalid
from rewardrails.security.scopes import Scope

app = App(
    name="players", help="Tell how checks of players came out and how much they are distrusted; erase their data."
)


@app.command
@needs(Scope.PLAYERS)
async def check(
    *,
    file: Path | None = None,
    player: str | None = None,
    kind: CheckKind | None = None,
    result: CheckResult | None = None,
    reference: str | None = None,
    expires: Moment | None = None,
    age: int | None = None,
    session: Here,
) -> None:
    """Tell how a check of a player came out, or many from a file. Payouts that waited for it are judged again.

    Parameters
    ----------
    file
        CSV with the columns player_id, kind, result, reference, expires_at and, for age checks, age. All or nothing.
    player
        The player's id.
    kind
        What was checked.
    result
        How it came out.
    reference
        Its name at whoever made it; never documents.
    expires
        Until when it counts: a day or a moment.
    age
        The age it proves, in years.
    """
    if file is None:
        needed = {
            "--player": player,
            "--kind": kind,
            "--result": result,
            "--reference": reference,
            "--expires": expires,
        }
        _require(needed)
        cells = {"player_id": player, "kind": kind, "result": result, "reference": reference, "expires_at": expires}
        reports = [check_of({**cells, "age": age})]
    else:
        _refuse({"--player": player, "--kind": kind, "--result": result, "--reference": reference})
        reports = read_checks(file)
    async with session.rails() as rails:
        await rails.gates.report_checks(reports)
    _told(session, len(reports), "checks")


@app.command
@needs(Scope.PLAYERS)
async def risk(
    *,
    file: Path | None = None,
    player: str | None = None,
    score: int | None = None,
    reason: list[str] | None = None,
    expires: Moment | None = None,
    session: Here,
) -> None:
    """Tell how much a player is distrusted, or many from a file. `[risk] hold_from` says which scores are held.

    Parameters
    ----------
    file
        CSV with the columns player_id, score, reasons (parted by ;) and expires_at. All or nothing.
    player
        The player's id.
    score
        0 to 100.
    reason
        Why; repeat it for more.
    expires
        Until when it counts: a day or a moment.
    """
    if file is None:
        _require({"--player": player, "--score": score, "--expires": expires})
        cells = {"player_id": player, "score": score, "reasons": reason or [], "expires_at": expires}
        reports = [risk_of(cells)]
    else:
        _refuse({"--player": player, "--score": score, "--reason": reason})
        reports = read_risks(file)
    async with session.rails() as rails:
        await rails.gates.report_risk(reports)
    _told(session, len(reports), "risk scores")


@app.command(name="erase")
@needs(Scope.COMPLY)
async def erase_players(
    player: str | None = None,
    /,
    *,
    reason: str | None = None,
    source: Annotated[Path | None, Parameter(name="--from")] = None,
    session: Here,
) -> int:
    """Erase a player's personal data for good; payouts keep their amounts and history. Exit code 1 when one is not erased.

    Refused while a payout of the player is under way or unknown. Keep every request outside the database too: a restored
    backup brings the data back, and --from erases them again.

    Parameters
    ----------
    player
        The player's id.
    reason
        The name of the request, such as a case number; it is kept, so nothing personal.
    source
        CSV with the columns player_id and reason.
    """
    if source is None:
        _require({"PLAYER": player, "--reason": reason}, many="--from FILE")
        requests = [ErasureRequest(player_id=player or "", reason=reason or "")]
    else:
        _refuse({"PLAYER": player, "--reason": reason})
        requests = read_erasures(source)
    async with session.rails() as rails:
        outcomes = await rails.gates.erase_players(requests)
    rows = [(player_id, outcome.value.replace("_", " ")) for player_id, outcome in outcomes.items()]
    session.output.show(outcomes, table("Erasures", ("player", "outcome"), rows))
    failed = set(outcomes.values()) & {Erased.UNDER_WAY, Erased.UNKNOWN_PLAYER}
    return ExitCode.REFUSED if failed else ExitCode.OK


def _require(options: Mapping[str, object], many: str = "--file FILE") -> None:
    missing = [name for name, value in options.items() if value is None]
    if missing:
        raise FieldInvalid(f"give either {many}, or one player by {', '.join(options)}; missing: {', '.join(missing)}")


def _refuse(options: Mapping[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise FieldInvalid(f"the file says everything: leave out {', '.join(given)}")


def _told(session: Here, reports: int, what: str) -> None:
    words = f"took over {reports} {what}; payouts they concern are judged again by the workers"
    session.output.show({"reports": reports}, words)
