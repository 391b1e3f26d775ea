"""Who stands behind an actor: a key is the word of whoever made it, so that one person never counts as two."""

from collections.abc import Collection, Mapping
from uuid import UUID

from rewardrails.security.caller import CallerKind
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

_KEY = f"{CallerKind.KEY}:"


async def roots_of(connection: Connection, actors: Collection[str]) -> Mapping[str, str]:
    """The actor behind each of `actors`, as `operator:ID` or `key:ID`; two with the same root are one person.

    A key's root is the operator who made it, or who made the key that made it, and so on up; revoked keys and disabled
    operators still count. A key made by the machine itself (no key, no operator), or by the machine's own `admin` key, is
    its own root. Whatever else is given (operators, `cli:NAME`, unknown keys) stands for itself. One round trip.
    """
    ids = {actor: found for actor in actors if (found := _key_id(actor)) is not None}
    if not ids:
        return {actor: actor for actor in actors}
    rows = await connection.fetch(sql("roots_of_keys"), list(ids.values()))
    roots: dict[UUID, str] = {row["id"]: row["root"] for row in rows}
    return {actor: roots.get(ids[actor], actor) if actor in ids else actor for actor in actors}


async def is_one_person(connection: Connection, one: str, other: str) -> bool:
    """Whether the same person stands behind both actors."""
    roots = await roots_of(connection, {one, other})
    return roots[one] == roots[other]


async def names_of_actors(connection: Connection) -> Mapping[str, str]:
    """Every operator and key there ever was, as an actor and the name that people know."""
    return {row["actor"]: row["name"] for row in await connection.fetch(sql("names_of_actors"))}


def _key_id(actor: str) -> UUID | None:
    if not actor.startswith(_KEY):
        return None
    try:
        return UUID(actor.removeprefix(_KEY))
    except ValueError:
        return None
