"""The doubles by the name of their exchange."""

from collections.abc import Mapping

from tests.vendors.exchange.binance import BinanceDouble
from tests.vendors.exchange.book import ExchangeDouble

DOUBLES: Mapping[str, type[ExchangeDouble]] = {"binance": BinanceDouble}
