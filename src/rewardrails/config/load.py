"""From the file's text to a `Config`: parse, check shapes, resolve references, check that everything fits together."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from rewardrails.config import file as written
from rewardrails.config import model
from rewardrails.config.locate import line_of
from rewardrails.domain.assets import Asset, parse_amount
from rewardrails.domain.destination import PARSERS
from rewardrails.domain.reward import KindRule
from rewardrails.errors import AmountInvalid, ConfigInvalid
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import SettingValue
from rewardrails.secrets import Secret

C = TypeVar("C", bound=model.Config)
Where = tuple[str | int, ...]
_REFERENCE = re.compile(r"(env|file):(.+)", re.DOTALL)
DATABASE_URL = "DATABASE_URL"


def load(cls: type[C], path: Path, env: Mapping[str, str]) -> C:
    """A `Config` from a file; see `Config.load`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigInvalid(f"cannot be read ({error.strerror})", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigInvalid("is not UTF-8 text", file=str(path)) from error
    return parse(cls, text, env, str(path))


def parse(cls: type[C], text: str, env: Mapping[str, str], source: str) -> C:
    """A `Config` from a text; see `Config.parse`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigInvalid(f"is not TOML: {error}", file=source, line=int(line[1]) if line else None) from error
    try:
        shaped = written.File.model_validate(tables)
    except ValidationError as error:
        problems = [(_where(one["loc"]), _in_words(one["loc"], one["type"], one["msg"])) for one in error.errors()]
        raise _refusal(problems, text, source) from None
    return _Builder(text, source, env).build(cls, shaped)


class _Builder:
    """Collects everything that is wrong, so that one start tells it all."""

    def __init__(self, text: str, source: str, env: Mapping[str, str]) -> None:
        self._text = text
        self._source = source
        self._env = env
        self._problems: list[tuple[Where, str]] = []

    def build(self, cls: type[C], shaped: written.File) -> C:
        self._problems += _contradictions(shaped)
        if self._problems:
            raise _refusal(self._problems, self._text, self._source)
        assets = {
            code: Asset(code=code, exponent=table.exponent, redeemable=table.redeemable)
            for code, table in shaped.assets.items()
        }
        built = cls(
            environment=shaped.environment,
            network=shaped.network,
            max_field_length=shaped.max_field_length,
            database=model.DatabaseSettings(url=self._database_url(shaped)),
            server=model.ServerSettings(**shaped.server.model_dump()),
            worker=model.WorkerSettings(**shaped.worker.model_dump()),
            security=model.SecuritySettings(
                master_key=self._optional(("security", "master_key"), shaped.security.master_key)
            ),
            breaker=model.BreakerSettings(**shaped.breaker.model_dump()),
            retry=model.RetrySettings(**shaped.retry.model_dump()),
            events=model.EventSettings(endpoints=tuple(self._endpoints(shaped))),
            logging=model.LoggingSettings(**shaped.logging.model_dump()),
            assets=assets,
            destination_kinds={
                name: KindRule(parser=table.parser, assets=frozenset(table.assets))
                for name, table in shaped.destination_kinds.items()
            },
            pools={name: self._pool(name, table, assets) for name, table in shaped.pools.items()},
            campaigns={
                name: model.CampaignSettings(jurisdictions=frozenset(table.jurisdictions), pools=table.pools)
                for name, table in shaped.campaigns.items()
            },
            providers={name: self._provider(name, table, shaped, assets) for name, table in shaped.providers.items()},
            routes=tuple(
                model.Route(**{**table.model_dump(), "jurisdictions": frozenset(table.jurisdictions)})
                for table in shaped.routes
            ),
        )
        if self._problems:
            raise _refusal(self._problems, self._text, self._source)
        return built

    def _database_url(self, shaped: written.File) -> Secret | None:
        if self._env.get(DATABASE_URL):
            return Secret(self._env[DATABASE_URL])
        return self._optional(("database", "url"), shaped.database.url)

    def _pool(self, name: str, table: written.PoolTable, assets: Mapping[str, Asset]) -> model.PoolSettings:
        maximum = self._amount(("pools", name, "max_payout"), table.max_payout, assets[table.asset])
        return model.PoolSettings(asset=table.asset, max_payout_minor=maximum)

    def _provider(
        self, name: str, table: written.ProviderTable, shaped: written.File, assets: Mapping[str, Asset]
    ) -> model.ProviderSettings:
        here: Where = ("providers", name)
        fixed = {
            code: self._amount((*here, "fees", "fixed", code), amount, assets[code]) or 0
            for code, amount in table.fees.fixed.items()
            if code in assets
        }
        return model.ProviderSettings(
            type=table.type,
            adapter=table.adapter,
            enabled=table.enabled,
            environment=table.environment,
            settings=cast("Mapping[str, SettingValue]", table.settings),  # the same recursive type under two names
            # A provider that is off needs no secrets yet.
            credentials={
                key: self._secret((*here, "credentials", key), reference)
                for key, reference in table.credentials.items()
            }
            if table.enabled
            else {},
            destination_kinds=frozenset(route.destination_kind for route in shaped.routes if route.provider == name),
            fees=FeeSchedule(fixed_minor=fixed, basis_points=table.fees.basis_points),
            max_in_flight=table.max_in_flight,
            rate_per_second=table.rate_per_second,
            burst=table.burst,
            call_timeout_seconds=table.call_timeout_seconds,
        )

    def _endpoints(self, shaped: written.File) -> Iterator[model.EndpointSettings]:
        for index, table in enumerate(shaped.events.endpoints):
            secret = self._secret(("events", "endpoints", index, "secret"), table.secret)
            yield model.EndpointSettings(**{**table.model_dump(), "secret": secret})

    def _amount(self, where: Where, text: str | None, asset: Asset) -> int | None:
        if text is None or set(text) <= {"0", "."}:
            return None
        try:
            return parse_amount(text, asset)
        except AmountInvalid as error:
            self._problems.append((where, str(error)))
            return None

    def _optional(self, where: Where, reference: str | None) -> Secret | None:
        return None if reference is None else self._secret(where, reference)

    def _secret(self, where: Where, reference: str) -> Secret:
        """The secret a reference leads to; an empty one is as bad as none."""
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            self._problems.append(
                (where, 'a secret does not stand in this file: write where it is, "env:NAME" or "file:PATH"')
            )
            return Secret("")
        kind, name = found[1], found[2]
        if kind == "env":
            value = self._env.get(name, "").strip()
            if not value:
                self._problems.append((where, f"the environment variable {name} is not set or empty"))
            return Secret(value)
        try:
            value = Path(os.path.expanduser(name)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._problems.append((where, f"the file {name} cannot be read ({type(error).__name__})"))
            return Secret("")
        if not value:
            self._problems.append((where, f"the file {name} is empty"))
        return Secret(value)


def _contradictions(shaped: written.File) -> Iterator[tuple[Where, str]]:
    yield from _about_kinds(shaped)
    yield from _about_pools(shaped)
    yield from _about_routes(shaped)
    yield from _about_providers(shaped)
    yield from _about_endpoints(shaped)


def _about_kinds(shaped: written.File) -> Iterator[tuple[Where, str]]:
    for name, kind in shaped.destination_kinds.items():
        if kind.parser not in PARSERS:
            yield ("destination_kinds", name, "parser"), _unknown("parser", kind.parser, PARSERS)
        for code in kind.assets:
            if code not in shaped.assets:
                yield ("destination_kinds", name, "assets"), _unknown("asset", code, shaped.assets)


def _about_pools(shaped: written.File) -> Iterator[tuple[Where, str]]:
    for name, pool in shaped.pools.items():
        if pool.asset not in shaped.assets:
            yield ("pools", name, "asset"), _unknown("asset", pool.asset, shaped.assets)
        elif not shaped.assets[pool.asset].redeemable:
            yield ("pools", name, "asset"), f"{pool.asset} is not redeemable, so no pool can hold it"
    for campaign, table in shaped.campaigns.items():
        for asset, name in table.pools.items():
            here: Where = ("campaigns", campaign, "pools", asset)
            if name not in shaped.pools:
                yield here, _unknown("pool", name, shaped.pools)
            elif shaped.pools[name].asset != asset:
                yield here, f"pool {name!r} holds {shaped.pools[name].asset}, not {asset}"


def _about_routes(shaped: written.File) -> Iterator[tuple[Where, str]]:
    for index, route in enumerate(shaped.routes):
        known: dict[str, tuple[str | None, Mapping[str, BaseModel]]] = {
            "provider": (route.provider, shaped.providers),
            "destination_kind": (route.destination_kind, shaped.destination_kinds),
            "campaign": (route.campaign, shaped.campaigns),
            "asset": (route.asset, shaped.assets),
        }
        for key, (used, names) in known.items():
            if used is not None and used not in names:
                yield ("routes", index, key), _unknown(key.replace("_", " "), used, names)


def _about_providers(shaped: written.File) -> Iterator[tuple[Where, str]]:
    for name, provider in shaped.providers.items():
        live = provider.environment is ProviderEnvironment.LIVE
        if provider.enabled and live != (shaped.environment is model.Environment.LIVE):
            yield (
                ("providers", name, "environment"),
                f"a {provider.environment.value} provider cannot be enabled in a {shaped.environment.value} environment",
            )
        for code in provider.fees.fixed:
            if code not in shaped.assets:
                yield ("providers", name, "fees", "fixed", code), _unknown("asset", code, shaped.assets)


def _about_endpoints(shaped: written.File) -> Iterator[tuple[Where, str]]:
    seen: set[str] = set()
    for index, endpoint in enumerate(shaped.events.endpoints):
        if endpoint.name in seen:
            yield ("events", "endpoints", index, "name"), f"two endpoints are called {endpoint.name!r}"
        seen.add(endpoint.name)


def _unknown(what: str, name: str, known: object) -> str:
    names = [str(one) for one in known] if isinstance(known, Mapping | set | frozenset) else []
    near = difflib.get_close_matches(name, names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(sorted(names)) or 'none'}"
    return f"there is no {what} called {name!r}{hint}"


def _where(location: tuple[str | int, ...]) -> Where:
    return tuple(part for part in location if part != "[key]")


def _in_words(location: tuple[str | int, ...], kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        names = _names_at(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), names, 1)
        return "is not a known key" + (f"; did you mean {near[0]!r}?" if near else "")
    if kind == "missing":
        return "is missing"
    return message[0].lower() + message[1:]


def _names_at(location: tuple[str | int, ...]) -> list[str]:
    """Keys that the table at `location` may have."""
    table: type[BaseModel] | None = written.File
    for part in location:
        if table is None:
            return []
        found = table.model_fields.get(str(part))
        if found is not None:
            table = _table_in(found.annotation)
    return list(table.model_fields) if table else []


def _table_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _table_in(inner)) is not None:
            return found
    return None


def _refusal(problems: list[tuple[Where, str]], text: str, source: str) -> ConfigInvalid:
    """One error that tells every problem; file and line are those of the first."""
    told = []
    for where, words in problems:
        line = line_of(text, where)
        dotted = ".".join(str(part) for part in where)
        told.append((line, f"{dotted}: {words}" if dotted else words))
    first, *others = told
    message = first[1] + "".join(
        f"\n  {source}:{line}: {words}" if line else f"\n  {source}: {words}" for line, words in others
    )
    return ConfigInvalid(message, field=".".join(str(part) for part in problems[0][0]), file=source, line=first[0])
