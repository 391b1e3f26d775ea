"""How people sign in, as the rest of the code sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from rewardrails.secrets import Secret
from rewardrails.security.roles import Role

RolesByName = Mapping[str, frozenset[Role]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """An issuer and whom of its people we know: by subject, by verified e-mail, by a value of the claim `role_claim`.

    Nobody named means nobody comes in, but for operators that were added with this issuer and their subject.
    """

    issuer: str
    client_id: str
    client_secret: Secret | None = None
    allow_private: bool = False
    subjects: RolesByName = field(default_factory=dict)
    emails: RolesByName = field(default_factory=dict)
    role_claim: str | None = None
    claimed: RolesByName = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """The bot whose Mini App signs people in; what it signed is believed for `max_age`."""

    bot_token: Secret
    max_age: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings:
    """Sessions, tries, and ways to sign in besides a password. `resolve_fresh` asks for a fresh sign-in to resolve."""

    idle: timedelta = timedelta(minutes=60)
    lifetime: timedelta = timedelta(hours=12)
    window: timedelta = timedelta(minutes=5)
    tries_per_name: int = 10
    tries_per_address: int = 50
    resolve_fresh: timedelta | None = None
    public_url: str | None = None
    oidc: Mapping[str, OidcSettings] = field(default_factory=dict)
    telegram: TelegramSettings | None = None
