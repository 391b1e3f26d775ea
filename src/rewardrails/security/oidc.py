"""Signing in through an OpenID Connect issuer: authorisation code with PKCE, state and nonce kept in the browser, sealed."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import msgspec
import structlog

from rewardrails import clock, ids
from rewardrails.config import OidcSettings
from rewardrails.errors import NotFound, RewardRailsError, Unauthorized
from rewardrails.security import operators
from rewardrails.security.oidc_issuer import Issuer, IssuerRefused
from rewardrails.security.roles import Role
from rewardrails.security.sessions import Method, OpenedSession
from rewardrails.security.sign_in import SignIn
from rewardrails.store.database import Connection
from rewardrails.store.facts import tell
from rewardrails.store.sql import sql

WAIT_SECONDS = 600
"""How long somebody may take at the issuer."""
_PURPOSE = b"oidc-sign-in"
_REFUSED = "this sign-in is not right, or nobody here knows you: begin again, or ask an admin to add you"
log = structlog.get_logger(__name__)


class _Begun(msgspec.Struct, kw_only=True):
    """What the browser keeps, sealed, between leaving for the issuer and coming back."""

    provider: str
    state: str
    nonce: str
    verifier: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where to send the browser, and what it brings back (hexadecimal digits)."""

    address: str
    sealed: str


class OidcSignIn:
    """The configured issuers of one process."""

    def __init__(self, ways: SignIn) -> None:
        self._ways = ways
        self._issuers = {name: Issuer(settings) for name, settings in ways.settings.oidc.items()}

    async def close(self) -> None:
        """End every connection."""
        for issuer in self._issuers.values():
            await issuer.close()

    async def begin(self, provider: str, *, address: str | None) -> Departure:
        """Send somebody to an issuer. Raises `NotFound`, `RateLimited`, `Unauthorized` when the issuer is away."""
        issuer = self._issuer(provider)
        await self._ways.limits.count(address=address)
        begun = _Begun(
            provider=provider,
            state=ids.new_token(),
            nonce=ids.new_token(),
            verifier=ids.new_token(48),
            until=clock.now().timestamp() + WAIT_SECONDS,
        )
        try:
            there = await issuer.address(
                redirect_uri=self._back(provider), state=begun.state, nonce=begun.nonce, verifier=begun.verifier
            )
        except IssuerRefused as error:
            log.warning("oidc_refused", provider=provider, reason=str(error))
            raise Unauthorized(
                f"the issuer {provider!r} cannot be asked now: try again, or sign in another way"
            ) from error
        return Departure(address=there, sealed=self._ways.vault.seal(msgspec.json.encode(begun), _PURPOSE).hex())

    async def finish(
        self, provider: str, *, code: str, state: str, sealed: str, issuer: str | None, address: str | None
    ) -> OpenedSession:
        """Open a session for whom the issuer names. Raises `NotFound`, `RateLimited`, `Unauthorized`."""
        asked = self._issuer(provider)
        await self._ways.limits.count(address=address)
        settings = self._ways.settings.oidc[provider]
        try:
            begun = self._opened(provider, sealed, state)
            if issuer is not None and issuer != settings.issuer:
                raise IssuerRefused("another issuer answered")
            claims = await asked.claims(
                code=code, redirect_uri=self._back(provider), nonce=begun.nonce, verifier=begun.verifier
            )
        except IssuerRefused as error:
            log.warning("oidc_refused", provider=provider, reason=str(error))
            claims = {}
        subject = claims.get("sub")

        async def find(tx: Connection) -> asyncpg.Record | None:
            if not isinstance(subject, str) or not subject:
                return None
            return await _operator(tx, provider, settings, subject, claims)

        try:
            return await self._ways.open(Method.OIDC, find)
        except Unauthorized:
            raise Unauthorized(_REFUSED) from None

    def _issuer(self, provider: str) -> Issuer:
        if provider not in self._issuers:
            raise NotFound("there is no such issuer: [sign_in.oidc.NAME] configures one")
        return self._issuers[provider]

    def _back(self, provider: str) -> str:
        return f"{self._ways.settings.public_url}/v1/sign-in/oidc/{provider}/callback"

    def _opened(self, provider: str, sealed: str, state: str) -> _Begun:
        vault = self._ways.vault
        try:
            begun = msgspec.json.decode(vault.open(bytes.fromhex(sealed), _PURPOSE, vault.key_id), type=_Begun)
        except (ValueError, RewardRailsError) as error:
            raise IssuerRefused("this browser did not begin") from error
        if begun.provider != provider or not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise IssuerRefused("the state is another one")
        if begun.until <= clock.now().timestamp():
            raise IssuerRefused("it took too long")
        return begun


def roles_of(settings: OidcSettings, subject: str, claims: Mapping[str, object]) -> frozenset[Role]:
    """What the configuration makes of a person, by subject, verified e-mail and claimed values together."""
    email = claims.get("email")
    verified = isinstance(email, str) and claims.get("email_verified") is True
    claimed = claims.get(settings.role_claim) if settings.role_claim else None
    values = claimed if isinstance(claimed, list) else [claimed]
    return frozenset().union(
        settings.subjects.get(subject, frozenset()),
        settings.emails.get(str(email).lower(), frozenset()) if verified else frozenset(),
        *(settings.claimed.get(value, frozenset()) for value in values if isinstance(value, str)),
    )


async def _operator(
    tx: Connection, provider: str, settings: OidcSettings, subject: str, claims: Mapping[str, object]
) -> asyncpg.Record | None:
    """Who this is: added by a person with roles of their own, or made and kept by the configuration."""
    actor, roles = f"oidc:{provider}", roles_of(settings, subject, claims)
    known = await tx.fetchrow(sql("operator_by_subject"), settings.issuer, subject)
    if known is not None and known["created_by"] != actor:
        return known
    if not roles:
        if known is not None:  # the word that let them in is taken back
            await operators.end_sessions(tx, known["id"], actor=actor)
        return None
    if known is None:
        made = ids.new_id()
        name, who = f"{provider}:{subject}"[: operators.MAX_NAME_LENGTH], (settings.issuer, subject)
        row = await tx.fetchval(sql("insert_operator"), made, name, sorted(roles), None, None, None, *who, None, actor)
        if row is None:  # there is one, disabled
            return None
        await tell(tx, made, "operator.added", actor, roles=sorted(roles))
    elif roles != set(known["roles"]):
        await tx.execute(sql("set_operator_roles"), known["id"], sorted(roles))
        await tell(tx, known["id"], "operator.roles_set", actor, before=sorted(known["roles"]), roles=sorted(roles))
    return await tx.fetchrow(sql("operator_by_subject"), settings.issuer, subject)
