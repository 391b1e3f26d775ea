"""What gives somebody a person's word: proposed by one admin, done when another confirms it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.errors import Forbidden, NotFound
from rewardrails.secrets import Secret
from rewardrails.security import operators
from rewardrails.security.keys import PERSONAL
from rewardrails.security.operators import Enrolment, NewOperator
from rewardrails.security.persons import roots_of
from rewardrails.security.roles import Role, scopes_of
from rewardrails.security.scopes import Scope
from rewardrails.security.vault import Vault
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

FIRST_ADMINS = 2
"""So many admins, counted as long as the database lives, are made by one person alone: before that there is no other one."""


TAKES_TWO = PERSONAL | {Scope.POOLS, Scope.TREASURY}
"""What nobody is given by one admin alone: a person's word, and the money."""


class ChangeKind(StrEnum):
    """What is to be done with somebody."""

    ADD = "add"
    ROLES = "roles"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to become of whom. `roles` is empty for a reset; passwords are chosen when it is done, never kept here."""

    kind: ChangeKind
    name: str
    roles: frozenset[Role] = frozenset()
    oidc: tuple[str, str] | None = None
    telegram_id: int | None = None

    @property
    def takes_password(self) -> bool:
        """Whether somebody has to choose a password when it is done."""
        elsewhere = self.oidc is not None or self.telegram_id is not None
        return self.kind is ChangeKind.RESET or (self.kind is ChangeKind.ADD and not elsewhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that waits for another admin."""

    id: UUID
    change: Change
    proposed_by: str
    proposed_at: datetime


async def needs_second(database: Database, change: Change) -> bool:
    """Whether a change gives somebody what takes a person, or the money, so that two admins have to want it."""
    async with database.reading() as connection:
        row = one(await connection.fetchrow(sql("standing_before_change"), change.name.strip()))
    had = frozenset(map(Role, row["roles"] or ()))
    wanted = had if change.kind is ChangeKind.RESET else change.roles
    if not TAKES_TWO & scopes_of(wanted):
        return False
    match change.kind:
        case ChangeKind.RESET:
            return True
        case ChangeKind.ROLES | ChangeKind.ADD:
            narrower = change.kind is ChangeKind.ROLES and wanted <= had
            first = Role.ADMIN in wanted and row["admins"] < FIRST_ADMINS
            return not (narrower or first)
        case _:
            assert_never(change.kind)


async def propose(database: Database, change: Change, *, actor: str) -> UUID:
    """Put a change before another admin, in place of what was proposed for the same name; answers its id."""
    made = ids.new_id()
    async with database.transaction() as tx:
        values = (change.kind.value, sorted(change.roles), *(change.oidc or (None, None)), change.telegram_id)
        await tx.execute(sql("propose_operator_change"), made, change.name.strip(), *values, actor)
        await _tell(tx, made, 1, "operator.change_proposed", change, actor)
    return made


async def read(database: Database, name: str) -> Proposal:
    """What waits for a name. Raises `NotFound`."""
    async with database.reading() as connection:
        return _proposal(await connection.fetchrow(sql("operator_change"), name.strip()), name)


async def require_other(database: Database, proposal: Proposal, actor: str) -> None:
    """Raise `Forbidden` where whoever confirms is whoever proposed, be it under a key of theirs."""
    async with database.reading() as connection:
        await _require_other(connection, proposal, actor)


async def confirm(
    database: Database, vault: Vault, proposal: Proposal, password: Secret | None, *, actor: str
) -> Enrolment:
    """Do what somebody else proposed; answers what there is to enrol, if there is. It is used up, also when it fails.

    Raises `NotFound` when it is not what waits any more, `Forbidden`, and what the change itself raises.
    """
    async with database.transaction() as tx:
        await _require_other(tx, proposal, actor)
        if await tx.fetchval(sql("take_operator_change"), proposal.id) is None:
            raise NotFound(f"another change of {proposal.change.name!r} waits now, or none: look again")
        told: Mapping[str, Any] = {"proposed_by": proposal.proposed_by}
        await _tell(tx, proposal.id, 2, "operator.change_confirmed", proposal.change, actor, **told)
    return await apply(database, vault, proposal.change, password, actor=actor)


async def apply(database: Database, vault: Vault, change: Change, password: Secret | None, *, actor: str) -> Enrolment:
    """Do a change that nobody has to confirm (`needs_second`), or somebody has."""
    match change.kind:
        case ChangeKind.ADD:
            new = NewOperator(
                name=change.name,
                roles=change.roles,
                password=password,
                oidc=change.oidc,
                telegram_id=change.telegram_id,
            )
            return await operators.add(database, vault, new, actor=actor)
        case ChangeKind.ROLES:
            return Enrolment(
                operator_id=await operators.set_roles(database, change.name, change.roles, actor=actor), uri=None
            )
        case ChangeKind.RESET:
            if password is None:
                raise AssertionError("a reset takes a password")
            return await operators.reset(database, vault, change.name, password, actor=actor)
        case _:
            assert_never(change.kind)


def _proposal(row: asyncpg.Record | None, name: str) -> Proposal:
    if row is None:
        raise NotFound(f"nothing waits to be confirmed for {name.strip()!r}")
    change = Change(
        kind=ChangeKind(row["kind"]),
        name=row["name"],
        roles=frozenset(map(Role, row["roles"])),
        oidc=(row["oidc_issuer"], row["oidc_subject"]) if row["oidc_issuer"] is not None else None,
        telegram_id=row["telegram_id"],
    )
    return Proposal(id=row["id"], change=change, proposed_by=row["proposed_by"], proposed_at=row["proposed_at"])


async def _require_other(connection: Connection, proposal: Proposal, actor: str) -> None:
    roots = await roots_of(connection, [actor, proposal.proposed_by])
    if roots[actor] == roots[proposal.proposed_by]:
        raise Forbidden("you proposed this yourself: another admin confirms it")
    row = one(await connection.fetchrow(sql("standing_before_change"), proposal.change.name))
    if row["id"] is not None and roots[actor] == f"operator:{row['id']}":
        raise Forbidden("this is yourself: another admin does it")


async def _tell(  # noqa: PLR0917 - an event's parts
    tx: Connection, subject: UUID, version: int, event: str, change: Change, actor: str, **more: str
) -> None:
    data = {"change": change.kind.value, "roles": sorted(change.roles)} | more
    await record_facts(tx, [Fact(subject_id=subject, version=version, type=event, data=json.dumps(data))], actor=actor)
