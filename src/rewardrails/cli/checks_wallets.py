"""What the doctor looks at around wallets: screeners that say nothing, and floats that are too low, too high or not known."""

from collections.abc import Awaitable, Callable, Sequence

from rewardrails.cli.findings import Finding, Level
from rewardrails.domain.assets import format_amount
from rewardrails.domain.policy.floats import FloatRule, Short, Standing, over_cap, why_short
from rewardrails.engine.floats import standings
from rewardrails.facade import RewardRails
from rewardrails.store.sql import sql

MINUTE = 60.0


async def screeners(rails: RewardRails) -> list[Finding]:
    """Screeners that do not answer, or cannot tell about destinations that payouts wait for."""
    async with rails.core.database.reading() as connection:
        rows = await connection.fetch(sql("screeners_waiting"))
    return [
        Finding(
            level=Level.WARNING,
            about=f"screener {row['screener']}",
            found=f"could not tell about {row['unanswered']} destinations, last {row['last_reason'] or 'no answer'}",
            do="look at its status page and our key; payouts go on by themselves when it answers",
        )
        for row in rows
        if row["unanswered"] and row["screener"] in rails.core.config.screeners
    ]


async def floats(rails: RewardRails) -> list[Finding]:
    """Balances that are too low to send, above their cap, or not known."""
    findings = []
    for provider, rules in rails.core.config.floats.items():
        async with rails.core.database.reading() as connection:
            known = await standings(rails.core, connection, provider)
        for asset, rule in rules.items():
            findings += _float(rails, f"float {provider} {asset}", asset, rule, known[asset])
    return findings


def _float(rails: RewardRails, about: str, asset: str, rule: FloatRule, standing: Standing) -> list[Finding]:
    def amount(minor: int) -> str:
        return f"{format_amount(minor, rails.core.config.assets[asset].exponent)} {asset}"

    if standing.balance_minor is None or standing.free_minor is None or standing.age is None:
        found, todo = "its balance was never told", "is a worker running? does the provider answer?"
        return [Finding(level=Level.WARNING, about=about, found=found, do=todo)]
    if above := over_cap(rule, standing):
        found = f"holds {amount(standing.balance_minor)}, more than the cap of {amount(rule.cap_minor or 0)}"
        todo = f"sweep {amount(above)} to your cold wallet or bank"
        return [Finding(level=Level.PROBLEM, about=about, found=found, do=todo)]
    match why_short(rule, standing, 1):
        case Short.TOO_LOW:
            found = f"{amount(standing.free_minor)} left after what is under way; {amount(rule.minimum_minor or 0)} must stay"
            return [
                Finding(
                    level=Level.PROBLEM, about=about, found=found, do="top it up; what waits is then sent by itself"
                )
            ]
        case Short.STALE:
            found = f"its balance is {standing.age.total_seconds() / MINUTE:.0f} minutes old: nothing is sent"
            return [
                Finding(
                    level=Level.PROBLEM, about=about, found=found, do="does the provider answer? is a worker running?"
                )
            ]
        case _:
            return [Finding(level=Level.OK, about=about, found=f"{amount(standing.free_minor)} free")]


WALLET_CHECKS: Sequence[Callable[[RewardRails], Awaitable[Sequence[Finding]]]] = (screeners, floats)
"""Every check of this page, in the order in which people read them."""
