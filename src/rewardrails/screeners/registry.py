"""Which kinds of screener there are, and how a configured one is made. Others announce themselves in `rewardrails.screeners`."""

from collections.abc import Mapping
from types import MappingProxyType

from rewardrails import announced
from rewardrails.announced import Announced
from rewardrails.screeners.base import Screener, ScreenerContext, ScreenerFactory
from rewardrails.screeners.http import HttpScreener

ANNOUNCED = announced.in_group("rewardrails.screeners")
BUILT_IN: Mapping[str, ScreenerFactory] = MappingProxyType({"http": HttpScreener})


def build_screener(adapter: str, context: ScreenerContext, foreign: Announced = ANNOUNCED) -> Screener:
    """A screener of the named adapter. Raises `ConfigInvalid` for one that nobody offers, and whatever the adapter refuses."""
    factory = announced.find("screener adapter", adapter, BUILT_IN, foreign, field=f"screeners.{context.name}.adapter")
    return factory(context)
