"""From the file's text to a `Config`: parse, check shapes, check that everything fits together, resolve references."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

from pydantic import ValidationError

from rewardrails.config import file as written
from rewardrails.config import locate, model, wallets
from rewardrails.config.checks import contradictions
from rewardrails.config.file_sign_in import sign_in_of
from rewardrails.config.gates import rules_of
from rewardrails.config.problems import Problem, refusal, shape_problems
from rewardrails.config.references import ReferenceInvalid, check_form, resolve
from rewardrails.domain.assets import Asset, parse_amount
from rewardrails.domain.reward import KindRule
from rewardrails.errors import AmountInvalid, ConfigInvalid
from rewardrails.providers.capabilities import FeeSchedule
from rewardrails.providers.context import SettingValue
from rewardrails.secrets import Secret

C = TypeVar("C", bound=model.Config)
DATABASE_URL = "DATABASE_URL"
MAX_LENGTH = 1024 * 1024
MAX_LINE_LENGTH = 4 * 1024


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
    tables = _tables(text, source)
    try:
        shaped = written.File.model_validate(tables)
    except ValidationError as error:
        raise refusal(shape_problems(error), text, source) from None
    builder = _Builder(shaped, env, Path(source).parent)
    built = builder.build(cls)
    if built is None:
        raise refusal(builder.problems, text, source)
    return built


def _tables(text: str, source: str) -> Mapping[str, object]:
    if len(text) > MAX_LENGTH:
        raise ConfigInvalid(f"is longer than {MAX_LENGTH} characters", file=source)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_LINE_LENGTH:  # a key of very many parts would take the parser hours
            raise ConfigInvalid(f"the line is longer than {MAX_LINE_LENGTH} characters", file=source, line=number)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line_number = re.search(r"at line (\d+)", str(error))
        raise ConfigInvalid(
            f"is not TOML: {error}", file=source, line=int(line_number[1]) if line_number else None
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid("holds a number that is too long, or is nested too deeply", file=source) from error


class _Builder:
    """Collects everything that is wrong, so that one start tells it all."""

    def __init__(self, file: written.File, env: Mapping[str, str], folder: Path) -> None:
        self.problems = list(contradictions(file))
        self._file = file
        self._env = env
        self._folder = folder
        self._assets = {
            code: Asset(code=code, exponent=table.exponent, redeemable=table.redeemable)
            for code, table in file.assets.items()
        }

    def build(self, cls: type[C]) -> C | None:
        """The configuration; None when there are problems."""
        file = self._file
        built = cls(
            environment=file.environment,
            network=file.network,
            max_field_length=file.max_field_length,
            database=model.DatabaseSettings(url=self._database_url()),
            server=model.ServerSettings(**file.server.model_dump()),
            worker=model.WorkerSettings(**file.worker.model_dump()),
            security=model.SecuritySettings(
                master_key=self._optional(("security", "master_key"), file.security.master_key),
                old_master_keys=tuple(
                    self._secret(("security", "old_master_keys", index), reference)
                    for index, reference in enumerate(file.security.old_master_keys)
                ),
                key_service=file.security.key_service,
                key_service_settings=file.security.key_service_settings,
            ),
            audit=self._audit(),
            breaker=model.BreakerSettings(**file.breaker.model_dump()),
            retry=model.RetrySettings(**file.retry.model_dump()),
            events=model.EventSettings(endpoints=tuple(self._endpoints())),
            logging=model.LoggingSettings(**file.logging.model_dump()),
            assets=self._assets,
            destination_kinds={
                name: KindRule(parser=table.parser, assets=frozenset(table.assets))
                for name, table in file.destination_kinds.items()
            },
            pools={name: self._pool(name, table) for name, table in file.pools.items()},
            campaigns={
                name: model.CampaignSettings(jurisdictions=frozenset(table.jurisdictions), pools=table.pools)
                for name, table in file.campaigns.items()
            },
            providers={name: self._provider(name, table) for name, table in file.providers.items()},
            routes=tuple(self._route(index, table) for index, table in enumerate(file.routes)),
            rules=rules_of(file, self._amount),
            screeners={name: self._screener(name) for name in file.screeners},
            ownership=wallets.ownership_of(file),
            floats=wallets.floats_of(file, self._amount),
            sign_in=sign_in_of(file.sign_in, self._secret),
        )
        return None if self.problems else built

    def _audit(self) -> model.AuditSettings:
        table = self._file.audit
        return model.AuditSettings(
            signing_key=self._optional(("audit", "signing_key"), table.signing_key),
            checkpoints=self._folder / Path(table.checkpoints).expanduser() if table.checkpoints else None,
            old_public_keys=tuple(bytes.fromhex(key) for key in table.old_public_keys),
        )

    def _database_url(self) -> Secret | None:
        # The address of the environment decides; the reference it stands in for need not lead anywhere.
        if self._env.get(DATABASE_URL):
            return Secret(self._env[DATABASE_URL])
        return self._optional(("database", "url"), self._file.database.url)

    def _pool(self, name: str, table: written.PoolTable) -> model.PoolSettings:
        maximum = None
        if table.max_payout is not None:
            maximum = self._amount(("pools", name, "max_payout"), table.max_payout, table.asset)
        return model.PoolSettings(asset=table.asset, max_payout_minor=maximum)

    def _route(self, index: int, table: written.RouteTable) -> model.Route:
        bounds = {
            f"{key}_minor": self._amount(("routes", index, key), text, table.asset)
            for key, text in (("min_amount", table.min_amount), ("max_amount", table.max_amount))
            if text is not None and table.asset is not None
        }
        return model.Route(
            destination_kind=table.destination_kind,
            provider=table.provider,
            campaign=table.campaign,
            asset=table.asset,
            jurisdictions=frozenset(table.jurisdictions),
            **bounds,
        )

    def _provider(self, name: str, table: written.ProviderTable) -> model.ProviderSettings:
        here: locate.Path = ("providers", name)
        return model.ProviderSettings(
            type=table.type,
            adapter=table.adapter,
            enabled=table.enabled,
            environment=table.environment,
            settings=cast("Mapping[str, SettingValue]", table.settings),  # the same recursive type under two names
            credentials=self._credentials((*here, "credentials"), table),
            destination_kinds=frozenset(
                route.destination_kind for route in self._file.routes if route.provider == name
            ),
            fees=self._fees((*here, "fees", "fixed"), table.fees),
            max_in_flight=table.max_in_flight,
            rate_per_second=table.rate_per_second,
            burst=table.burst,
            call_timeout_seconds=table.call_timeout_seconds,
            reconcile=_reconcile(table.reconcile),
        )

    def _credentials(self, here: locate.Path, table: written.ProviderTable) -> dict[str, Secret]:
        if table.enabled:
            return {key: self._secret((*here, key), reference) for key, reference in table.credentials.items()}
        # A provider that is off needs no secrets; those it has serve to follow what it was given before.
        found = {}
        for key, reference in table.credentials.items():
            try:
                check_form(reference)
            except ReferenceInvalid as error:
                self.problems.append(Problem((*here, key), str(error)))
                continue
            with suppress(ReferenceInvalid):
                found[key] = resolve(reference, self._env, self._folder)
        return found

    def _screener(self, name: str) -> model.ScreenerSettings:
        here: locate.Path = ("screeners", name, "credentials")
        kept = self._file.screeners[name].credentials
        secrets = {key: self._secret((*here, key), reference) for key, reference in kept.items()}
        return wallets.screener_of(name, self._file, secrets)

    def _fees(self, here: locate.Path, table: written.FeeTable) -> FeeSchedule:
        charged = {code: amount for code, amount in table.fixed.items() if not set(amount) <= {"0", "."}}
        fixed = {code: self._amount((*here, code), amount, code) or 0 for code, amount in charged.items()}
        return FeeSchedule(fixed_minor=fixed, basis_points=table.basis_points)

    def _endpoints(self) -> Iterator[model.EndpointSettings]:
        for index, table in enumerate(self._file.events.endpoints):
            secret = self._secret(("events", "endpoints", index, "secret"), table.secret)
            yield model.EndpointSettings(**{**table.model_dump(), "secret": secret})

    def _amount(self, where: locate.Path, text: str, of: Asset | str) -> int | None:
        """Smallest units; None when there is a problem."""
        asset = of if isinstance(of, Asset) else self._assets.get(of)
        if asset is None:
            return None  # told as a contradiction
        try:
            return parse_amount(text, asset)
        except AmountInvalid as error:
            self.problems.append(Problem(where, error.message))
            return None

    def _optional(self, where: locate.Path, reference: str | None) -> Secret | None:
        return None if reference is None else self._secret(where, reference)

    def _secret(self, where: locate.Path, reference: str) -> Secret:
        try:
            return resolve(reference, self._env, self._folder)
        except ReferenceInvalid as error:
            self.problems.append(Problem(where, str(error)))
            return Secret("")


def _reconcile(table: written.ReconcileTable) -> model.ReconcileSettings:
    return model.ReconcileSettings(
        every=None if table.every_hours is None else timedelta(hours=table.every_hours),
        look_back=timedelta(days=table.days_back),
        margin=None if table.margin_hours is None else timedelta(hours=table.margin_hours),
    )
