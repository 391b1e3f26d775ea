"""Figures for Prometheus: counters of this process, and gauges of the whole system read from the database on each scrape.

Labels are closed sets (states, providers, codes, route templates), never ids, players or texts from outside.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

import asyncpg
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from rewardrails.store.database import Database
from rewardrails.store.sql import sql

CONTENT_TYPE = CONTENT_TYPE_LATEST
_REGISTRY = CollectorRegistry()
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_requests = Counter(
    "rewardrails_http_requests", "Requests answered by the API", ("method", "route", "status"), registry=_REGISTRY
)
_request_seconds = Histogram(
    "rewardrails_http_request_seconds", "How long requests took", ("route",), buckets=_SECONDS, registry=_REGISTRY
)
_calls = Counter(
    "rewardrails_provider_calls", "Calls to providers by what they came to", ("provider", "outcome"), registry=_REGISTRY
)
_call_seconds = Histogram(
    "rewardrails_provider_call_seconds", "How long calls took", ("provider",), buckets=_SECONDS, registry=_REGISTRY
)
_webhooks = Counter(
    "rewardrails_webhooks", "Notices from providers by verdict", ("provider", "verdict"), registry=_REGISTRY
)


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """One request answered; `route` is the template, not the path."""
    _requests.labels(method, route, str(status)).inc()
    _request_seconds.labels(route).observe(seconds)


def count_provider_call(*, provider: str, outcome: str, seconds: float) -> None:
    """One call to a provider and what it came to (a stable word such as `accepted` or an error code)."""
    _call_counter(provider, outcome).inc()
    _call_timer(provider).observe(seconds)


@cache
def _call_counter(provider: str, outcome: str) -> Counter:
    return _calls.labels(provider, outcome)


@cache
def _call_timer(provider: str) -> Histogram:
    return _call_seconds.labels(provider)


def count_webhook(*, provider: str, verdict: str, notices: int = 1) -> None:
    """Notices from a provider: `received`, or the stable code of their refusal."""
    _webhooks.labels(provider, verdict).inc(notices)


async def exposition(database: Database, others: Mapping[str, float] = MappingProxyType({})) -> bytes:
    """Everything in Prometheus' text format; `others` are gauges that somebody else has read."""
    registry = await _gauges(database)
    for name, value in others.items():
        Gauge(name, name.removeprefix("rewardrails_").replace("_", " ").capitalize(), registry=registry).set(value)
    return generate_latest(_REGISTRY) + generate_latest(registry)


async def _gauges(database: Database) -> CollectorRegistry:
    registry = CollectorRegistry()
    async with database.reading() as connection:
        payouts = await connection.fetch(sql("payouts_by_state"))
        providers = await connection.fetch(sql("provider_figures"))
        queues = await connection.fetch(sql("queue_figures"))
        holds = await connection.fetch(sql("open_holds_by_gate"))
        deliveries = await connection.fetch(sql("delivery_lag"))
        workers = await connection.fetch(sql("live_workers"))
        screeners = await connection.fetch(sql("screeners_waiting"))
        floats = await connection.fetch(sql("float_figures"))
        findings = await connection.fetch(sql("open_findings"))
        reconciled = await connection.fetch(sql("reconciled"))
    _fill(registry, "rewardrails_payouts", "Payouts by state", ("state", "asset"), payouts, value="payouts")
    for queue in ("ready", "sending", "under_way", "failures"):
        help_text = f"Per provider: {queue.replace('_', ' ')}"
        _fill(registry, f"rewardrails_provider_{queue}", help_text, ("name",), providers, value=queue)
    for row in queues:
        gauge = Gauge(f"rewardrails_{row['queue']}_waiting", "Entries that wait", registry=registry)
        gauge.set(row["waiting"])
        age = Gauge(f"rewardrails_{row['queue']}_oldest_seconds", "Age of the oldest one", registry=registry)
        age.set(row["oldest_seconds"])
    _fill(registry, "rewardrails_holds_open", "Open holds by gate", ("gate",), holds, value="holds")
    _fill(registry, "rewardrails_holds_overdue", "Open holds past their deadline", ("gate",), holds, value="overdue")
    _fill(
        registry,
        "rewardrails_delivery_open",
        "Events an endpoint still waits for",
        ("endpoint",),
        deliveries,
        value="open",
    )
    _fill(
        registry,
        "rewardrails_delivery_oldest_seconds",
        "Age of the oldest",
        ("endpoint",),
        deliveries,
        value="oldest_seconds",
    )
    for figure, words in (("unanswered", "Destinations it could not tell about"), ("failures", "Failures in a row")):
        _fill(registry, f"rewardrails_screener_{figure}", words, ("screener",), screeners, value=figure)
    for figure, words in (
        ("balance", "What the provider said it holds, smallest units"),
        ("free", "What is left of it after everything under way, smallest units"),
        ("age_seconds", "Age of that balance"),
        ("over_cap", "1 while the balance is above its cap"),
    ):
        _fill(registry, f"rewardrails_float_{figure}", words, ("provider", "asset"), floats, value=figure)
    _fill_reconciliation(registry, findings, reconciled)
    Gauge("rewardrails_workers", "Workers seen lately", registry=registry).set(len(workers))
    return registry


def _fill_reconciliation(
    registry: CollectorRegistry, findings: Iterable[asyncpg.Record], reconciled: Iterable[asyncpg.Record]
) -> None:
    labels, rows = ("provider", "kind"), list(findings)
    _fill(registry, "rewardrails_findings_open", "Differences that wait for people", labels, rows, value="findings")
    _fill(registry, "rewardrails_findings_oldest_seconds", "Age of the oldest", labels, rows, value="oldest_seconds")
    words = "Since the last reconciliation that came to its end"
    _fill(registry, "rewardrails_reconciled_seconds", words, ("provider",), reconciled, value="seconds")


def _fill(
    registry: CollectorRegistry,
    name: str,
    help_text: str,
    labels: tuple[str, ...],
    rows: Iterable[asyncpg.Record],
    *,
    value: str,
) -> None:
    gauge = Gauge(name, help_text, labels, registry=registry)
    for row in rows:
        gauge.labels(*(row[label] for label in labels)).set(row[value] or 0)
