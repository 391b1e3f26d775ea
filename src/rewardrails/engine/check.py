"""Whether a provider is ready to pay: what the configuration says, what it says itself, whether its notices arrive."""

from collections.abc import Sequence

from rewardrails.engine.core import Core
from rewardrails.errors import NotFound
from rewardrails.providers.base import Checked, SupportsCheck, SupportsWebhooks
from rewardrails.store.database import assert_no_transaction
from rewardrails.store.sql import sql


async def check_provider(core: Core, name: str) -> Sequence[Checked]:
    """Look, and move nothing. Raises `NotFound` for a provider that is not configured."""
    settings = core.config.providers.get(name)
    if settings is None:
        known = ", ".join(sorted(core.config.providers)) or "none is"
        raise NotFound(f"no provider {name!r} is configured: {known}")
    switched = Checked(
        about="switch",
        is_right=settings.enabled,
        found=f"{'on' if settings.enabled else 'off'}, {settings.environment.value} money",
        do="" if settings.enabled else f"when the rest is right: [providers.{name}] enabled = true, and restart",
    )
    rail = core.providers.get(name)
    if rail is None:
        do = "give its credentials and settings: 'rewardrails config check' names what is missing"
        return [switched, Checked(about="adapter", is_right=False, found="cannot be built as it is configured", do=do)]
    assert_no_transaction()
    told = list(await rail.check()) if isinstance(rail, SupportsCheck) else []
    if not told:
        told = [Checked(about="adapter", is_right=True, found=f"{settings.adapter} has nothing that can be asked")]
    if isinstance(rail, SupportsWebhooks):
        told.append(await _notices(core, name))
    return [switched, *told]


async def _notices(core: Core, name: str) -> Checked:
    async with core.database.reading() as connection:
        last = await connection.fetchval(sql("last_webhook"), name)
    found = f"the last one came {last:%Y-%m-%d %H:%M:%S}Z" if last else "none has come yet"
    return Checked(about="notices", is_right=True, found=f"{found}; they belong to /v1/webhooks/{name}")
