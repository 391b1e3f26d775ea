"""RewardRails pays game rewards out to players over interchangeable payout rails.

Importing this package is cheap: each public name brings its module along when it is first used. `__init__.pyi` is the
same list for type checkers.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Capabilities": "rewardrails.providers.capabilities",
    "Config": "rewardrails.config",
    "ErrorCode": "rewardrails.errors",
    "FundingSource": "rewardrails.domain.posting",
    "Money": "rewardrails.domain.money",
    "PayoutState": "rewardrails.domain.payout",
    "Reward": "rewardrails.facade",
    "RewardPayoutProvider": "rewardrails.providers.base",
    "RewardRails": "rewardrails.facade",
    "RewardRailsError": "rewardrails.errors",
}

__all__ = [  # noqa: PLE0604 - the names are those of `_HOMES`
    "__version__",
    *_HOMES,
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'rewardrails' has no attribute {name!r}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
