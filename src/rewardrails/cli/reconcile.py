"""`rewardrails reconcile`: what a provider or a bank says it paid, against ours."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from rewardrails.api.schemas.reconciliations import ReconciliationOut
from rewardrails.cli.exits import ExitCode
from rewardrails.cli.moments import Moment
from rewardrails.cli.needs import needs
from rewardrails.cli.output import count
from rewardrails.cli.session import Here
from rewardrails.engine import reconcile as engine
from rewardrails.errors import ErrorCode, FieldInvalid, RewardRailsError
from rewardrails.security.scopes import Scope


@needs(Scope.TREASURY)
async def reconcile(
    provider: str,
    *,
    start: Annotated[Moment | None, Parameter(name="--from")] = None,
    end: Annotated[Moment | None, Parameter(name="--to")] = None,
    file: Path | None = None,
    session: Here,
) -> int:
    """Hold what a provider says it paid against ours, payment by payment. It moves nothing. Exit code 1 if anything is new.

    Parameters
    ----------
    provider
        As the configuration names it.
    start
        From when on: a day or a moment. As far back as configured if left out.
    end
        Until when: a day or a moment. Until now if left out.
    file
        A bank's statement, camt.053 or CSV, for a provider that cannot be asked; it says itself which days it covers.
    """
    if file is not None and (start or end):
        raise FieldInvalid("a file says itself which days it covers: leave --from and --to out", field="--file")
    data = _read(file) if file is not None else None
    async with session.rails() as rails:
        if data is None:
            run = await engine.reconcile(rails.core, provider, actor=rails.actor, start=start, end=end)
        else:
            run = await engine.reconcile_file(rails.core, provider, data, actor=rails.actor)
    said = f"{provider}, {run.covers.start:%Y-%m-%d %H:%M}Z to {run.covers.end:%Y-%m-%d %H:%M}Z: "
    said += f"{count(run.items, 'payment')} there, {run.matched} as we have them; "
    said += f"{count(run.found, 'difference')}, {run.opened} of them new; {run.closed} settled by themselves"
    then = ["rewardrails findings list"] if run.found else []
    session.output.show(ReconciliationOut.of(run), said, *then)
    return ExitCode.REFUSED if run.opened else ExitCode.OK


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > engine.MAX_FILE_BYTES:
            raise RewardRailsError(
                f"{file} is longer than {engine.MAX_FILE_BYTES} bytes: split it by day", code=ErrorCode.FILE_INVALID
            )
        return file.read_bytes()
    except OSError as error:
        raise RewardRailsError(f"{file} cannot be read ({error.strerror})", code=ErrorCode.FILE_INVALID) from error
