"""The one configuration file, typed, checked at start, its secrets only by reference."""

from rewardrails.config.model import (
    AuditSettings,
    BreakerSettings,
    CampaignSettings,
    Config,
    EndpointSettings,
    Environment,
    PoolSettings,
    ProviderSettings,
    Route,
    ServerSettings,
    WorkerSettings,
)
from rewardrails.config.sign_in import OidcSettings, SignInSettings, TelegramSettings

__all__ = [
    "AuditSettings",
    "BreakerSettings",
    "CampaignSettings",
    "Config",
    "EndpointSettings",
    "Environment",
    "OidcSettings",
    "PoolSettings",
    "ProviderSettings",
    "Route",
    "ServerSettings",
    "SignInSettings",
    "TelegramSettings",
    "WorkerSettings",
]
