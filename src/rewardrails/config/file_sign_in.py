"""The shape of [sign_in] as written, and what it comes to."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from rewardrails.config import locate
from rewardrails.config.problems import Problem
from rewardrails.config.shapes import Name, OneOf, Reference, Table
from rewardrails.config.sign_in import OidcSettings, RolesByName, SignInSettings, TelegramSettings
from rewardrails.providers.http import is_safe_base_url
from rewardrails.secrets import Secret
from rewardrails.security.roles import Role

ReadSecret = Callable[[locate.Path, str], Secret]
Roles = Annotated[list[Annotated[Role, OneOf]], Field(min_length=1)]


class OidcTable(Table):
    """[sign_in.oidc.NAME]: whoever is named in none of its tables does not come in."""

    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: Reference | None = None
    allow_private: bool = False
    subjects: dict[str, Roles] = {}
    emails: dict[str, Roles] = {}
    role_claim: str | None = None
    claimed: dict[str, Roles] = {}


class TelegramTable(Table):
    """[sign_in.telegram]."""

    bot_token: Reference
    max_age_seconds: float = Field(default=300, gt=0, le=3600)


class SignInTable(Table):
    """[sign_in]."""

    idle_minutes: float = Field(default=60, gt=0, le=24 * 60)
    lifetime_hours: float = Field(default=12, gt=0, le=24)
    window_minutes: float = Field(default=5, gt=0, le=24 * 60)
    tries_per_name: int = Field(default=10, ge=1, le=1000)
    tries_per_address: int = Field(default=50, ge=1, le=100_000)
    resolve_fresh_minutes: float | None = Field(default=None, gt=0, le=24 * 60)
    public_url: str | None = None
    oidc: dict[Name, OidcTable] = {}
    telegram: TelegramTable | None = None


def contradictions(table: SignInTable) -> Iterator[Problem]:
    """Everything about signing in that cannot be meant."""
    private = any(one.allow_private for one in table.oidc.values())
    if table.public_url is not None and not is_safe_base_url(table.public_url, allow_plain_http=private):
        yield Problem(("sign_in", "public_url"), "must be the https address under which people reach this server")
    for name, one in table.oidc.items():
        here: locate.Path = ("sign_in", "oidc", name)
        if table.public_url is None:
            yield Problem(here, "needs [sign_in] public_url, to which the issuer sends people back")
        if not is_safe_base_url(one.issuer, allow_plain_http=one.allow_private):
            words = "must be an https address without a user in it (http only together with allow_private = true)"
            yield Problem((*here, "issuer"), words)
        if bool(one.claimed) != (one.role_claim is not None):
            yield Problem((*here, "claimed"), "role_claim names the claim whose values stand in claimed: give both")


def sign_in_of(table: SignInTable, read_secret: ReadSecret) -> SignInSettings:
    """The settings of a table whose parts fit together."""
    telegram = None
    if table.telegram is not None:
        telegram = TelegramSettings(
            bot_token=read_secret(("sign_in", "telegram", "bot_token"), table.telegram.bot_token),
            max_age=timedelta(seconds=table.telegram.max_age_seconds),
        )
    fresh = table.resolve_fresh_minutes
    return SignInSettings(
        idle=timedelta(minutes=table.idle_minutes),
        lifetime=timedelta(hours=table.lifetime_hours),
        window=timedelta(minutes=table.window_minutes),
        tries_per_name=table.tries_per_name,
        tries_per_address=table.tries_per_address,
        resolve_fresh=timedelta(minutes=fresh) if fresh is not None else None,
        public_url=table.public_url.rstrip("/") if table.public_url else None,
        oidc={name: _oidc(name, one, read_secret) for name, one in table.oidc.items()},
        telegram=telegram,
    )


def _oidc(name: str, table: OidcTable, read_secret: ReadSecret) -> OidcSettings:
    secret = None
    if table.client_secret is not None:
        secret = read_secret(("sign_in", "oidc", name, "client_secret"), table.client_secret)
    return OidcSettings(
        issuer=table.issuer,
        client_id=table.client_id,
        client_secret=secret,
        allow_private=table.allow_private,
        subjects=_roles(table.subjects),
        emails={email.lower(): roles for email, roles in _roles(table.emails).items()},
        role_claim=table.role_claim,
        claimed=_roles(table.claimed),
    )


def _roles(table: dict[str, list[Role]]) -> RolesByName:
    return {name: frozenset(roles) for name, roles in table.items()}
