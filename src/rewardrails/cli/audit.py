"""`rewardrails audit`: is the log still what was sealed and signed?"""

import asyncio
import os
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from rewardrails.cli.exits import ExitCode
from rewardrails.cli.needs import needs
from rewardrails.cli.session import Here, Session
from rewardrails.errors import FieldInvalid
from rewardrails.events import export as exporting
from rewardrails.events.checkpoint_store import FILE_NAME, FolderStore
from rewardrails.events.signing import Believed
from rewardrails.events.verify import Report, verify_log
from rewardrails.security.scopes import Scope

app = App(name="audit", help="The log of everything that was decided: verify it, take it along.")
_HEX_DIGITS = 64


@app.command
@needs(Scope.READ)
async def verify(
    *,
    file: Path | None = None,
    checkpoints: Path | None = None,
    public_key: Annotated[list[str] | None, Parameter(negative="")] = None,
    session: Here,
) -> int:
    """Recompute the whole log and compare it with what was signed. Exit code 1, and what is wrong, when it does not fit.

    Parameters
    ----------
    file
        Verify this export instead of the database; nothing else is needed, and no configuration.
    checkpoints
        A copy of the checkpoints that was kept elsewhere, of whatever day; the configured folder if left out (none for a
        file), and that one must vouch for all but the last minute.
    public_key
        The key that signed them, 64 hexadecimal digits or a file with them; repeat it after a change of keys. The configured
        one if left out.
    """
    store = _store(checkpoints)
    believed = Believed([_key(text) for text in public_key]) if public_key else None
    if file is not None:
        if store is not None and believed is None:
            raise FieldInvalid("say whose signatures count: --public-key", field="public_key")
        report = await exporting.verify_file(file, checkpoints=store, believed=believed)
    else:
        report = await _verify_database(session, store, believed)
    fault = report.fault
    session.output.show(report, fault.words if fault else _whole(report))
    return ExitCode.OK if fault is None else ExitCode.REFUSED


@app.command
@needs(Scope.READ)
async def export(
    path: Path,
    *,
    first: Annotated[int, Parameter(name="--from")] = 1,
    last: Annotated[int | None, Parameter(name="--to")] = None,
    session: Here,
) -> None:
    """Write sealed events to a file, one a line; anybody can verify it: rewardrails audit verify --file PATH.

    Parameters
    ----------
    path
        The file to write; it must not exist.
    first
        The first position.
    last
        The last position; the end of the log if left out.
    """
    async with session.rails() as rails:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb", buffering=1 << 20) as out:
                count = await exporting.export(rails.core.database, out, first=first, last=last)
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
    session.output.show({"events": count, "path": str(path)}, f"{count} events written to {path}")


@app.command(name="public-key")
@needs(Scope.READ)
async def show_public_key(*, session: Here) -> None:
    """Show the key that verifies the checkpoints' signatures; whoever verifies should have it from here, not from a file."""
    async with session.rails() as rails:
        audit = rails.core.audit
    if audit is None:
        raise FieldInvalid("this process signs nothing")
    told = {"public_key": audit.key.public_key.hex(), "key_id": audit.key.key_id}
    session.output.show(told, told["public_key"])


async def _verify_database(session: Session, store: FolderStore | None, believed: Believed | None) -> Report:
    async with session.rails() as rails:
        audit = rails.core.audit
        return await verify_log(
            rails.core.database,
            checkpoints=store or (audit.store if audit else None),
            believed=believed or (audit.believed if audit else None),
            is_copy=store is not None,
        )


def _store(folder: Path | None) -> FolderStore | None:
    if folder is not None and not (folder / FILE_NAME).is_file():
        raise FieldInvalid(f"there is no {FILE_NAME} in {folder}", field="checkpoints")
    return FolderStore(folder) if folder else None


def _key(text: str) -> bytes:
    found = text.strip()
    if len(found) != _HEX_DIGITS:
        try:
            found = Path(found).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            found = ""
    try:
        raw = bytes.fromhex(found)
    except ValueError:
        raw = b""
    if len(raw) != _HEX_DIGITS // 2:
        raise FieldInvalid("a public key is 64 hexadecimal digits, or a file with them", field="public_key")
    return raw


def _whole(report: Report) -> str:
    signed = (
        f"{report.checkpoints} checkpoints compared, signed up to position {report.signed_to}"
        if report.checkpoints
        else "no checkpoints compared"
    )
    payouts = f", {report.payouts} payouts are as it says" if report.payouts else ""
    if report.goes_on_to:
        end = f"; this is not its end: the log goes on to position {report.goes_on_to} at least"
        return f"this part of the log is whole: {report.events} events; {signed}{end}"
    return f"the log is whole: {report.events} events; {signed}{payouts}"
