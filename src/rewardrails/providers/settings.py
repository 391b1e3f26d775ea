"""Reading an adapter's settings and credentials; whatever is missing or unknown stops the start, never a payout."""

from typing import TypeVar

import msgspec

from rewardrails.errors import ConfigInvalid
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import is_safe_base_url
from rewardrails.secrets import Secret

T = TypeVar("T", bound=msgspec.Struct)


def read_settings(context: ProviderContext, shape: type[T]) -> T:
    """The provider's settings as `shape`; raises `ConfigInvalid` naming the setting at fault."""
    try:
        return msgspec.convert(dict(context.settings), shape)
    except msgspec.ValidationError as error:
        raise ConfigInvalid(
            f"provider {context.name!r}, settings: {error}", field=f"providers.{context.name}"
        ) from error


def credential(context: ProviderContext, name: str) -> Secret:
    """A credential that must be there and must not be empty; raises `ConfigInvalid`."""
    secret = context.credentials.get(name)
    if not secret:
        raise ConfigInvalid(
            f"provider {context.name!r} needs the credential {name!r}: name where it is kept under its credentials",
            field=f"providers.{context.name}.credentials.{name}",
        )
    return secret


def base_url(context: ProviderContext, url: str) -> str:
    """The address without a trailing slash; live money demands https. Raises `ConfigInvalid`."""
    if not is_safe_base_url(url, allow_plain_http=context.environment is ProviderEnvironment.SANDBOX):
        raise ConfigInvalid(
            f"provider {context.name!r} needs an absolute base_url without credentials or query, https when live",
            field=f"providers.{context.name}.base_url",
        )
    return url.rstrip("/")
