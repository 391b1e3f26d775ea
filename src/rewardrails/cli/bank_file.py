"""`rewardrails manual bank-file`: the open queue as a file for the bank."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

from cyclopts import Parameter
from rich.table import Table

from rewardrails.api.schemas.common import decimal
from rewardrails.cli.exits import ExitCode
from rewardrails.cli.needs import needs
from rewardrails.cli.output import count, money, table
from rewardrails.cli.session import Here
from rewardrails.engine.bank_file import LeftOut, export
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.security.scopes import Scope

Again = Annotated[list[UUID] | None, Parameter(name="--again")]


@needs(Scope.MANUAL)
async def bank_file(provider: str, file: Path, *, again: Again = None, reason: str = "", session: Here) -> int:
    """Write what waits as ISO 20022 pain.001 for an upload to the bank. It pays nothing: settle when the bank has paid.

    Exit code 1 if something of the queue is not in the file.

    Parameters
    ----------
    provider
        The manual rail, as the configuration names it.
    file
        Where to write it; it must not exist yet, and only you can read it.
    again
        A payout that is in an earlier file, to be put into this one too. The bank may pay it twice.
    reason
        Why these may go again: how you know that the bank has not paid them.
    """
    with _created(file) as out:
        try:
            async with session.rails() as rails:
                made = await export(rails.core, provider, actor=rails.actor, again=again or (), reason=reason)
                sums = [
                    money(decimal(rails.core, total, asset), asset, str(total)) for asset, total in made.totals.items()
                ]
            out.write(made.data)
            out.flush()
        finally:
            if out.tell() == 0:
                _remove(file)
    answer = {"file": str(file) if made.id else None, "id": made.id, "payouts": made.payouts, "totals": made.totals}
    words = f"wrote {count(made.payouts, 'payout')}, {', '.join(sums)}, to {file}" if made.id else "nothing was written"
    session.output.show({**answer, "left_out": made.left_out}, *_left(made.left_out), words)
    return ExitCode.REFUSED if made.left_out else ExitCode.OK


def _left(left_out: Sequence[LeftOut]) -> list[Table]:
    rows = [(one.payout_id, one.code.value, one.message, one.file_id) for one in left_out]
    return [table("Not in the file", ("payout", "code", "why", "earlier file"), rows)] if rows else []


def _created(file: Path) -> BinaryIO:
    """A new file that only its owner can read; made first, so that nothing is recorded that could not be written."""
    try:
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise RewardRailsError(f"{file} cannot be made ({error.strerror})", code=ErrorCode.FILE_INVALID) from error


def _remove(file: Path) -> None:
    file.unlink()
