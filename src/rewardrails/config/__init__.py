"""TEMPORARY."""
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace as N
from rewardrails.domain.assets import Asset
from rewardrails.domain.reward import KindRule, RowRules
from rewardrails.providers.capabilities import FeeSchedule, ProviderType, ProviderEnvironment

class Environment(StrEnum):
    TEST = "test"
    SANDBOX = "sandbox"
    LIVE = "live"

class Config:
    @classmethod
    def parse(cls, text):
        self = cls(); d = tomllib.loads(text)
        self.environment = Environment(d["environment"]); self.network = d.get("network", "mainnet")
        self.assets = {k: Asset(code=k, exponent=v["exponent"], redeemable=v.get("redeemable", True)) for k, v in d["assets"].items()}
        self.kinds = {k: KindRule(parser=v["parser"], assets=frozenset(v["assets"])) for k, v in d["destination_kinds"].items()}
        self.pools = {k: N(asset=v["asset"]) for k, v in d["pools"].items()}
        self.campaigns = {k: N(pools=v["pools"], jurisdictions=v["jurisdictions"]) for k, v in d["campaigns"].items()}
        self.providers = {k: N(type=ProviderType(v["type"]), adapter=v["adapter"], enabled=v.get("enabled", False), environment=ProviderEnvironment.SANDBOX, fees=FeeSchedule(**v.get("fees", {})), max_in_flight=None, rate_per_second=None, burst=None) for k, v in d["providers"].items()}
        self.routes = d["routes"]
        self.worker = N(calls_at_once=64); self.breaker = N(failures=20, closed_seconds=5.0); self.events = N(endpoints=()); self.retry = N(max_tries=5)
        self.database = N(url=None); self.security = N(master_key=None)
        return self
    def route(self, c, j, k, a):
        for r in self.routes:
            if r.get("campaign", c) == c and r["destination_kind"] == k and r.get("asset", a) == a:
                return r["provider"]
        return None
    def row_rules(self):
        return RowRules(campaigns={k: frozenset(v.jurisdictions) for k, v in self.campaigns.items()}, assets=self.assets, kinds=self.kinds, max_field_length=1000, network=self.network)
