"""The doubles by the name of their exchange."""

from collections.abc import Mapping

from tests.vendors.exchange.binance import BinanceDouble
from tests.vendors.exchange.book import ExchangeDouble
from tests.vendors.exchange.bybit import BybitDouble
from tests.vendors.exchange.okx import OkxDouble

DOUBLES: Mapping[str, type[ExchangeDouble]] = {"binance": BinanceDouble, "okx": OkxDouble, "bybit": BybitDouble}
