"""A campaign's rail is switched by one word of configuration, from every type to every other, and nobody is paid twice."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest

from rewardrails import clock
from rewardrails.config import Config
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.posting import FundingSource
from rewardrails.engine.legal import NewApproval
from rewardrails.engine.manual import ManualResult
from rewardrails.engine.read import PayoutFilter, PayoutView
from rewardrails.engine.request import RequestVerdict
from rewardrails.facade import Reward, RewardRails
from rewardrails.facade_gates import Gates
from rewardrails.providers.capabilities import ProviderType
from rewardrails.testing.fake_provider.client import FakeProviderProcess

HEAD = """
environment = "test"
[assets.EUR]
exponent = 2
redeemable = true
[destination_kinds.player]
parser = "note"
assets = ["EUR"]
[pools.season]
asset = "EUR"
[campaigns.season]
jurisdictions = ["DE"]
pools = { EUR = "season" }
[providers.manual]
type = "manual"
adapter = "manual"
enabled = true
[[routes]]
destination_kind = "player"
provider = "%(rail)s"
"""
PROVIDER = """
[providers.%(name)s]
type = "%(name)s"
adapter = "fake"
enabled = true
[providers.%(name)s.credentials]
api_token = "file:%(folder)s/token"
webhook_secret = "file:%(folder)s/webhook-secret"
[providers.%(name)s.settings]
base_url = "%(url)s"
first_sync_after_seconds = 0.2
"""
TYPES = [one.value for one in ProviderType]
FAKED = [one for one in TYPES if one != ProviderType.MANUAL]
DOUBTFUL = "settle=60,lose_reply=40"
PAID_BEFORE, TAKEN_ON_BEFORE, IN_ALL = range(4), range(4, 7), range(10)
ASK_NOW = "UPDATE attempt SET sync_due_at = rr_now() WHERE sync_due_at > rr_now()"
LOOK_SECONDS, PATIENCE_SECONDS = 0.05, 60.0


@dataclass(frozen=True, kw_only=True)
class Counterparts:
    """Who pays: a process with a journal per type, and people with a list of their own."""

    processes: Mapping[str, FakeProviderProcess]

    def configuration(self, rail: str) -> str:
        """The same for every rail but one word."""
        tables = [
            PROVIDER % {"name": name, "folder": one.folder, "url": one.url} for name, one in self.processes.items()
        ]
        return HEAD % {"rail": rail} + "".join(tables)

    async def standing(self, by_hand: Counter[str]) -> dict[str, Counter[str]]:
        """How often each counterpart has paid each payout, by its own journal."""
        found = {name: Counter((await one.control.totals()).standing_by_payout) for name, one in self.processes.items()}
        return found | {"manual": by_hand}


@pytest.fixture(scope="module")
def counterparts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counterparts]:
    arguments = ("--settle-seconds", "0.05", "--late-seconds", "0.5", "--mix", DOUBTFUL, "--seed", "3")
    with ExitStack() as stack:
        processes = {}
        for name in FAKED:
            processes[name] = FakeProviderProcess(tmp_path_factory.mktemp(name), arguments=arguments)
            processes[name].launch()
            stack.callback(processes[name].end)
        yield Counterparts(processes=processes)


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.parametrize(("before", "after"), [*permutations(TYPES, 2)])
async def test_one_word_of_configuration_switches_a_campaign_to_another_rail(
    tmp_path, database_dsn, counterparts, before, after
):
    by_hand: Counter[str] = Counter()
    old, new = counterparts.configuration(before), counterparts.configuration(after)
    changed = [(one, other) for one, other in zip(old.splitlines(), new.splitlines(), strict=True) if one != other]
    assert changed == [(f'provider = "{before}"', f'provider = "{after}"')]

    async with _engine(tmp_path, database_dsn, old) as rails:
        await _prepare(rails)
        await _take_on(rails, PAID_BEFORE, RequestVerdict.ACCEPTED)
        await _pay_all(rails, by_hand)
        await _take_on(rails, TAKEN_ON_BEFORE, RequestVerdict.ACCEPTED)
    async with _engine(tmp_path, database_dsn, new) as rails:
        old_ones = [*PAID_BEFORE, *TAKEN_ON_BEFORE]
        await _take_on(rails, old_ones, RequestVerdict.REPLAYED)
        await _take_on(rails, range(len(old_ones), len(IN_ALL)), RequestVerdict.ACCEPTED)
        paid = await _pay_all(rails, by_hand)
        assert (await rails.verify_ledger()).broken == ()

    assert {one.reward_id: one.provider for one in paid} == {
        f"r-{number}": before if number in old_ones else after for number in IN_ALL
    }
    standing = await counterparts.standing(by_hand)
    for one in paid:
        assert {name: count[one.id.hex] for name, count in standing.items() if count[one.id.hex]} == {one.provider: 1}


@asynccontextmanager
async def _engine(folder: Path, dsn: str, text: str) -> AsyncIterator[RewardRails]:
    config = Config.parse(text, {"DATABASE_URL": dsn})
    async with RewardRails.open(config, folder=folder, actor="game") as rails:
        yield rails


async def _prepare(rails: RewardRails) -> None:
    """Money in the pool, and an approval for whatever needs one."""
    await rails.fund("season", "1000.00", source=FundingSource.SPONSOR, reference="")
    for over in ProviderType:
        if rails.core.providers[over].capabilities.needs_legal_approval:
            recorded = await Gates(rails.core, actor="legal").record_approval(_approval(over))
            await Gates(rails.core, actor="compliance").confirm_approval(recorded.id)


def _approval(over: ProviderType) -> NewApproval:
    return NewApproval(
        provider_type=over,
        adapter="fake",
        assets=frozenset({"EUR"}),
        jurisdictions=frozenset({"DE"}),
        campaigns=frozenset({"season"}),
        valid_from=clock.now() - timedelta(days=1),
        valid_until=clock.now() + timedelta(days=1),
        document_reference="file 12",
        document_sha256=bytes(32),
    )


async def _take_on(rails: RewardRails, numbers: Sequence[int], verdict: RequestVerdict) -> None:
    rewards = [
        Reward(
            reward_id=f"r-{number}",
            player_id=f"player-{number}",
            campaign="season",
            amount="10.00",
            asset="EUR",
            jurisdiction="DE",
            destination_kind="player",
            destination=f"player number {number}",
        )
        for number in numbers
    ]
    assert {one.verdict for one in await rails.pay(rewards)} == {verdict}


async def _pay_all(rails: RewardRails, by_hand: Counter[str]) -> Sequence[PayoutView]:
    """Work, with people at the manual queue, until every payout is paid; answers them."""
    end = clock.monotonic() + PATIENCE_SECONDS
    async with rails.run_worker():
        while True:
            queue = [one.payout_id for one in await rails.manual_queue(limit=50)]
            by_hand.update(one.hex for one in queue)
            await rails.record([_receipt(one) for one in queue])
            payouts = await rails.list(PayoutFilter(), limit=50)
            if all(one.state is PayoutState.PAID for one in payouts):
                return payouts
            await rails.core.database.run(lambda tx: tx.execute(ASK_NOW))
            assert clock.monotonic() < end, Counter((one.provider, one.state) for one in payouts)
            await clock.sleep(LOOK_SECONDS)


def _receipt(payout_id: UUID) -> ManualResult:
    return ManualResult(payout_id=payout_id, paid=True, words=f"handed over, receipt {payout_id.hex[-6:]}")
