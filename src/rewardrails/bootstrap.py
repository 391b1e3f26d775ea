"""Putting a process together: database, keys, providers. The only place that knows every part."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import structlog

from rewardrails import ids
from rewardrails.config import Config, Environment
from rewardrails.domain.payout import RetryRule
from rewardrails.engine.core import Core
from rewardrails.engine.floats import refuse_floats_nobody_tells
from rewardrails.errors import ConfigInvalid
from rewardrails.events.audit import Audit
from rewardrails.events.checkpoint_store import FolderStore
from rewardrails.events.signing import Believed, SigningKey
from rewardrails.ownership.registry import build_proofs
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.providers.http import HttpClient
from rewardrails.providers.registry import build_provider
from rewardrails.screeners.base import Screener, ScreenerContext
from rewardrails.screeners.registry import build_screener
from rewardrails.secrets import Secret
from rewardrails.security import data_keys
from rewardrails.security.key_services import key_service
from rewardrails.security.vault import Vault
from rewardrails.security.wrapping import KeyRing, KeyWrapper, MasterKey
from rewardrails.store import schema
from rewardrails.store.database import Database, assert_no_transaction, refuse_unsafe_settings
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.store.sql import sql

WORKING_FOLDER = Path(".rewardrails")
DATABASE_NAME = "rewardrails"
CHECKPOINTS_FOLDER = "audit"
log = structlog.get_logger(__name__)


@asynccontextmanager
async def opened(
    config: Config,
    *,
    folder: Path = WORKING_FOLDER,
    process: str = "library",
    connections: int = 10,
    wrapper: KeyWrapper | None = None,
) -> AsyncIterator[Core]:
    """A ready `Core`: the database reached (or the embedded one started in `folder`), migrated and found safe.

    `process` names what this process is in history; `wrapper` stands in for the configured master key or key service.
    Raises `ConfigInvalid` when something is missing or unsafe, `KeyServiceUnavailable`.
    """
    ring = key_ring(config, folder, wrapper)
    async with AsyncExitStack() as stack:
        dsn = await _dsn(config, folder, stack)
        await _migrate(dsn)
        name = f"{process}-{ids.new_token(4)}"
        database = await Database.connect(dsn, max_size=connections, application_name=name)
        stack.push_async_callback(database.close)
        if config.environment is not Environment.TEST:
            await refuse_unsafe_settings(database)
        providers = _providers(config)
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        vault = Vault(await data_keys.load(database, ring))
        screeners = _screeners(config)
        for screener in screeners.values():
            stack.push_async_callback(screener.close)
        async with database.transaction() as tx:
            await tx.execute(sql("ensure_provider_state"), sorted(config.providers), 0.0)
            await tx.execute(sql("ensure_pools"), *_pools(config), name)
        core = Core(
            database=database,
            vault=vault,
            ring=ring,
            config=config,
            providers=providers,
            actor=name,
            retry=RetryRule(max_tries=config.retry.max_tries),
            audit=audit_of(config, vault, folder),
            screeners=screeners,
            proofs=build_proofs(name for names in config.ownership.proofs.values() for name in names),
        )
        refuse_floats_nobody_tells(core)
        yield core


async def _migrate(dsn: str) -> None:
    if await schema.is_current(dsn):
        return
    from rewardrails.store import migrate  # noqa: PLC0415 - heavy, and needed only after an update

    await asyncio.to_thread(migrate.upgrade, dsn)


def key_ring(config: Config, folder: Path, wrapper: KeyWrapper | None = None) -> KeyRing:
    """What the configuration wraps data keys with. Raises `ConfigInvalid`."""
    security = config.security
    if wrapper is None and security.key_service is not None:
        wrapper = key_service(security.key_service, security.key_service_settings)
    others: list[KeyWrapper] = [MasterKey(secret) for secret in security.old_master_keys]
    if wrapper is None:
        return KeyRing(current=MasterKey(master_key(config, folder)), others=tuple(others))
    if security.master_key is not None:
        others.append(MasterKey(security.master_key))
    return KeyRing(current=wrapper, others=tuple(others))


def master_key(config: Config, folder: Path) -> Secret:
    """The configured master key; in a test environment, one that is made once and kept in the working folder.

    Raises `ConfigInvalid` when a real environment has none: a key made up silently could not be backed up.
    """
    if config.security.master_key is not None:
        return config.security.master_key
    if config.environment is not Environment.TEST:
        raise ConfigInvalid(
            'no master key: set [security] master_key to a reference such as "env:REWARDRAILS_MASTER_KEY" '
            "(at least 32 random bytes, backed up: without it stored destinations cannot be read)"
        )
    return _kept_key(folder / "master.key")


def audit_of(config: Config, vault: Vault, folder: Path) -> Audit:
    """What signs the log and where; what is not configured is derived from the master key and kept in `folder`.

    Raises `ConfigInvalid` for a signing key that is none.
    """
    settings = config.audit
    key = SigningKey.from_pem(settings.signing_key) if settings.signing_key else SigningKey.derived(vault)
    return Audit(
        store=FolderStore(settings.checkpoints or folder / CHECKPOINTS_FOLDER),
        key=key,
        believed=Believed((key.public_key, *settings.old_public_keys)),
        configured=bool(settings.signing_key and settings.checkpoints),
    )


def _kept_key(path: Path) -> Secret:
    """The key in the file; of several processes that start together one writes it whole, the others read that one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{ids.new_token(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(ids.new_token(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return Secret(path.read_text(encoding="ascii").strip())


async def _dsn(config: Config, folder: Path, stack: AsyncExitStack) -> str:
    if config.database.url is not None:
        return config.database.url.reveal()
    server = await asyncio.to_thread(EmbeddedPostgres.start, folder / "pg")
    stack.push_async_callback(asyncio.to_thread, server.stop)
    await asyncio.to_thread(server.ensure_database, DATABASE_NAME)
    return server.dsn(DATABASE_NAME)


def _providers(config: Config) -> Mapping[str, RewardPayoutProvider]:
    """Every provider that sends, and those switched off that can still be asked about what they were given before."""
    built = {}
    for name, settings in config.providers.items():
        try:
            built[name] = build_provider(name, settings, config, guard=assert_no_transaction)
        except ConfigInvalid as error:
            if settings.enabled:
                raise
            log.info("provider_off", provider=name, reason=error.message)
    return built


def _screeners(config: Config) -> Mapping[str, Screener]:
    return {
        name: build_screener(
            settings.adapter,
            ScreenerContext(
                name=name,
                settings=settings.settings,
                credentials=settings.credentials,
                is_live=config.environment is Environment.LIVE,
                http=HttpClient(guard=assert_no_transaction),
            ),
        )
        for name, settings in config.screeners.items()
    }


def _pools(config: Config) -> tuple[list[object], list[str], list[str], list[int]]:
    names = sorted(config.pools)
    assets = [config.pools[name].asset for name in names]
    return [ids.new_id() for _ in names], names, assets, [config.assets[asset].exponent for asset in assets]
