"""`rewardrails legal`: which rails may pay what to where, on whose word."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from rich.table import Table

from rewardrails import clock
from rewardrails.api.schemas.legal import LegalApprovalIn, LegalApprovalOut
from rewardrails.cli.moments import Moment
from rewardrails.cli.needs import needs
from rewardrails.cli.output import money, table
from rewardrails.cli.session import Here
from rewardrails.errors import FieldInvalid, NotFound
from rewardrails.facade import RewardRails
from rewardrails.providers.capabilities import ProviderType
from rewardrails.security.scopes import Scope

app = App(name="legal", help="The legal register: recorded by one person, in force once another has confirmed it.")
_Names = Annotated[list[str], Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an approval allows, as its document says.

    Parameters
    ----------
    provider_type
        The kind of rail.
    adapter
        The adapter of the rail, as in the configuration.
    asset
        What may be paid; repeat it for more.
    jurisdiction
        Where to, such as DE or US-CA (a country covers its subdivisions); repeat it for more.
    campaign
        For which campaign, '*' for all; repeat it for more.
    until
        When it ends: a day (it ends as that day begins, UTC) or a moment.
    since
        When it begins; now if left out.
    document
        The document that allows it; its SHA-256 is recorded, the file itself is not kept.
    reference
        Where that document is kept.
    max_total
        The most that may ever be paid under it, in whole units; needs a single asset.
    max_per_player
        The most that one player may ever get under it, in whole units; needs a single asset.
    """

    provider_type: Annotated[ProviderType, Parameter(name="--type")]
    adapter: str
    asset: _Names
    jurisdiction: _Names
    campaign: _Names
    until: Moment
    since: Annotated[Moment | None, Parameter(name="--from")] = None
    document: Path
    reference: str
    max_total: str | None = None
    max_per_player: str | None = None

    def entry(self) -> LegalApprovalIn:
        """The same as the API takes it, with the document's digest."""
        return LegalApprovalIn(
            provider_type=self.provider_type,
            adapter=self.adapter,
            assets=self.asset,
            jurisdictions=self.jurisdiction,
            campaigns=self.campaign,
            valid_from=self.since or clock.now(),
            valid_until=self.until,
            document_reference=self.reference,
            document_sha256=_digest(self.document),
            max_total=self.max_total,
            max_per_player=self.max_per_player,
        )


@app.command
@needs(Scope.COMPLY, by_name=True)
async def record(wanted: Wanted, *, session: Here) -> None:
    """Record a legal approval. It allows nothing until another person confirms it; each has a key of their own (--as)."""
    entry = wanted.entry()
    async with session.rails() as rails:
        made = LegalApprovalOut.of(rails.core, await rails.gates.record_approval(entry.new(rails.core)))
    words = (
        "recorded; it allows nothing yet. Another person compares it with their copy of the document: "
        f"rewardrails legal confirm {made.id} --document FILE"
    )
    session.output.show(made, *_whole(made), words)


@app.command
@needs(Scope.READ)
async def show(approval: UUID, *, session: Here) -> None:
    """Show everything an approval says, to compare with its document.

    Parameters
    ----------
    approval
        Its id.
    """
    async with session.rails() as rails:
        found = await _found(rails, approval)
    session.output.show(found, *_whole(found))


@app.command
@needs(Scope.COMPLY, by_name=True)
async def confirm(approval: UUID, *, document: Path | None = None, session: Here) -> None:
    """Put an approval in force that somebody else recorded. It needs a key of your own (--as).

    Parameters
    ----------
    approval
        Its id.
    document
        Your own copy of the document: nothing is confirmed unless it is the one that was recorded.
    """
    async with session.rails() as rails:
        if document is not None and _digest(document) != (await _found(rails, approval)).document_sha256:
            raise FieldInvalid(f"{document.name} is not the document that was recorded: ask whoever recorded it")
        made = LegalApprovalOut.of(rails.core, await rails.gates.confirm_approval(approval))
    words = "in force; payouts that waited for it are judged again by the workers"
    session.output.show(made, *_whole(made), words)


@app.command
@needs(Scope.COMPLY)
async def revoke(approval: UUID, *, reason: str, session: Here) -> None:
    """End an approval at once; one person is enough to stop things.

    Parameters
    ----------
    approval
        Its id.
    reason
        Why.
    """
    async with session.rails() as rails:
        made = LegalApprovalOut.of(rails.core, await rails.gates.revoke_approval(approval, reason=reason))
    session.output.show(made, f"legal approval {made.id} is revoked: nothing is sent under it any more")


@app.command(name="list")
@needs(Scope.READ)
async def list_approvals(*, session: Here) -> None:
    """Show the register, newest first."""
    async with session.rails() as rails:
        found = [LegalApprovalOut.of(rails.core, one) for one in await rails.gates.approvals()]
    session.output.show(found, _shown(found))


def standing(one: LegalApprovalOut) -> str:
    """Whether an approval allows anything now, in a word or two."""
    now = clock.now()
    if one.revoked_at is not None:
        return "revoked"
    if one.valid_until <= now:
        return "ended"
    if one.confirmed_at is None:
        return "to be confirmed"
    return "in force" if one.valid_from <= now else "not begun"


async def _found(rails: RewardRails, approval_id: UUID) -> LegalApprovalOut:
    for one in await rails.gates.approvals():
        if one.id == approval_id:
            return LegalApprovalOut.of(rails.core, one)
    raise NotFound(f"there is no legal approval {approval_id}")


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _shown(found: Sequence[LegalApprovalOut]) -> Table:
    rows = [
        (
            one.id,
            standing(one),
            f"{one.provider_type.value} / {one.adapter}",
            ", ".join(one.assets),
            ", ".join(one.jurisdictions),
            ", ".join(one.campaigns),
            one.valid_until,
            one.document_reference,
        )
        for one in found
    ]
    columns = ("id", "", "rail", "assets", "to", "campaigns", "until", "document")
    return table("Legal approvals", columns, rows)


def _whole(one: LegalApprovalOut) -> list[Table | str]:
    """Everything that a second person compares with the document."""
    asset = one.assets[0]
    rows = [
        ("id", one.id),
        ("standing", standing(one)),
        ("rail", f"{one.provider_type.value} / {one.adapter}"),
        ("assets", ", ".join(one.assets)),
        ("to", ", ".join(one.jurisdictions)),
        ("campaigns", "all" if one.campaigns == ["*"] else ", ".join(one.campaigns)),
        ("from", one.valid_from),
        ("until", one.valid_until),
        ("most in all", money(one.max_total, asset) or "no bound"),
        ("most per player", money(one.max_per_player, asset) or "no bound"),
        ("document", one.document_reference),
        ("its SHA-256", one.document_sha256),
        ("recorded", f"{one.recorded_by}, {one.recorded_at:%Y-%m-%d %H:%M}Z"),
        ("confirmed", f"{one.confirmed_by}, {one.confirmed_at:%Y-%m-%d %H:%M}Z" if one.confirmed_at else "not yet"),
    ]
    return [table("Legal approval", ("", " "), rows)]
