"""Fake providers that serve many tests, each a process with a journal of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from standardwebhooks import Webhook

from rewardrails.domain.webhook import WebhookRequest
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from rewardrails.testing.fake_provider.journal import Noticed
from tests.steps.truth import Truth
from tests.steps.world import News
from tests.support.stage import PROFILES, Rail, _section

LAG = "0.02"
OFFERED: Mapping[str, Rail] = {
    **PROFILES,
    "lookup-late": Rail(
        arguments=("--profile", "lookup-late", "--lookup-lag-seconds", LAG), settings=f"lookup_lag_seconds = {LAG}"
    ),
    "not-authoritative": Rail(settings="lookup_is_authoritative = false"),
}
# Nobody listens there: notices are taken from the provider's journal and handed over by the life itself.
NOWHERE = "http://127.0.0.1:9/"
CALL_SECONDS = 0.25
LATE_SECONDS = 0.4
TIMING = ("--settle-seconds", "0", "--return-seconds", "0", "--late-seconds", str(LATE_SECONDS))
BY_DESTINATION = ("settle", "webhook", "never_notify", "stuck", "refuse", "lose_reply", "error_before")


@dataclass(kw_only=True)
class FakeShop:
    """Satisfies `tests.steps.world.Shop`; a reward's number stands in its destination."""

    rail: Rail
    process: FakeProviderProcess
    truth: Truth
    environment: Mapping[str, str] = field(default_factory=dict)
    memo: str = ""
    kind: str = "paypal_email"
    ruled: bool = False

    def address(self, life: str, number: int) -> str:
        """What it does with a reward stands in its address."""
        return f"{life}.{number}@example.org"

    def section(self) -> str:
        """Its configuration."""
        return _section(self.rail, self.process)

    async def enter(self, _dsn: str) -> None:
        """Meet creations to `<behaviour>.<n>@...` with that behaviour."""
        if not self.ruled:
            self.ruled = True
            await self.process.control.hold_webhooks()  # else thousands of them knock where nobody listens, ever again
            for behaviour in BY_DESTINATION:
                await self.process.control.behave(behaviour, destination=f"{behaviour}.*")

    async def meet(self, number: int, behaviour: str, *, times: int | None) -> None:
        """The next creations (None: all) for one reward are met with that behaviour."""
        await self.process.control.behave(behaviour, destination=f"*.{number}@*", times=times)

    def standing(self, number: int) -> int:
        """From the journal."""
        return self.truth.standing(number)

    def most(self, number: int) -> int:
        """From the journal."""
        return self.truth.most(number)

    def news(self, number: int) -> Sequence[News]:
        """From the journal."""
        return [News(name=one.event, request=partial(self._request, one)) for one in self.truth.notices(number)]

    def records(self, number: int) -> Sequence[object]:
        """Every record about it."""
        return self.truth.records(number)

    async def send_back(self, number: int) -> None:
        """The bank sends back what was accepted last, if that stands."""
        reference = self.truth.newest_reference(number)
        if reference is not None and self.standing(number):
            await self.process.control.send_back(reference)

    def _request(self, notice: Noticed, at: datetime) -> WebhookRequest:
        second = datetime.fromtimestamp(int(at.timestamp()), UTC)
        headers = {
            "webhook-id": notice.event,
            "webhook-timestamp": str(int(second.timestamp())),
            "webhook-signature": Webhook(self.process.webhook_secret).sign(notice.event, second, notice.body),
        }
        return WebhookRequest(body=notice.body.encode(), headers=headers, received_at=at)


class Shops:
    """One fake provider per profile, started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, FakeShop] = {}

    def __getitem__(self, profile: str) -> FakeShop:
        if profile not in self._open:
            rail = OFFERED[profile]
            arguments = (*rail.arguments, *TIMING, "--webhook-url", NOWHERE)
            process = FakeProviderProcess(self._folder / profile, arguments=arguments)
            process.launch()
            self._open[profile] = FakeShop(
                rail=Rail(arguments=rail.arguments, settings=rail.settings, call_timeout=CALL_SECONDS),
                process=process,
                truth=Truth(process),
            )
        return self._open[profile]

    def close(self) -> None:
        """End them all."""
        for shop in self._open.values():
            shop.process.end()
