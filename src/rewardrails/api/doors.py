"""The ways in, for handlers: one set per application, its connections to issuers made when first needed."""

from rewardrails.engine.core import Core
from rewardrails.security.oidc import OidcSignIn
from rewardrails.security.sign_in import SignIn


class Doors:
    """Passwords, Telegram and issuers of one application."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._oidc: OidcSignIn | None = None

    @property
    def sign_in(self) -> SignIn:
        """Passwords, codes and Telegram."""
        return SignIn(self._core.database, self._core.vault, self._core.config.sign_in)

    @property
    def oidc(self) -> OidcSignIn:
        """The issuers."""
        if self._oidc is None:
            self._oidc = OidcSignIn(self.sign_in)
        return self._oidc

    async def close(self) -> None:
        """End every connection."""
        if self._oidc is not None:
            await self._oidc.close()
