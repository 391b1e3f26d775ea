"""Wallet controls as they are put together: real processes, a provider's own balance, packages that announce parts."""

from importlib.metadata import EntryPoint

import pytest

from rewardrails import Config, RewardRails
from rewardrails.announced import find
from rewardrails.cli.checks_wallets import screeners as doctor_screeners
from rewardrails.engine.screening import screen_waiting
from rewardrails.errors import ConfigInvalid
from rewardrails.observability import metrics
from rewardrails.ownership.attested import Attested
from rewardrails.ownership.registry import build_proofs
from tests.integration.gates.test_screening import asked, refuses
from tests.support.season import CONFIG, request, reward
from tests.support.stage import Rail, on_stage

KEEPS = Rail(arguments=("--floats", "EUR=10000"), more='floats = { EUR = { minimum = "25.00" } }')


@pytest.mark.promise("G1")
async def test_two_processes_leave_the_minimum_at_a_real_provider_and_go_on_after_a_top_up(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, KEEPS) as stage:
        payouts = await stage.pay(*range(20))

        async def paid(wanted):
            return (await stage.counts())["paid"] >= wanted

        async with stage.worker_process(), stage.worker_process():
            await stage.until(lambda: paid(7))
            await stage.until_told()
            before = await stage.counts()
            await stage.one.control.set_float("EUR", "60.00")
            await stage.core.database.run(lambda tx: tx.execute("UPDATE provider_float SET next_ask_at = rr_now()"))
            await stage.until(lambda: paid(10), hurry=True)

        assert (before["paid"], before["ready"]) == (7, 13)
        assert (await stage.counts())["paid"] == 10
        assert len(payouts) == 20
        await stage.assert_nobody_paid_twice()


async def test_the_doctor_and_the_figures_name_a_screener_that_says_nothing(database_dsn):
    async with asked(database_dsn) as (core, service, screener):
        service.answering = refuses(401)
        await request(core, [reward(1), reward(2)])
        await screen_waiting(core, screener)

        (finding,) = await doctor_screeners(RewardRails(core, actor="test"))
        figures = (await metrics.exposition(core.database)).decode()

        assert (finding.level, finding.about) == ("warning", "screener watch")
        assert finding.found == "could not tell about 2 destinations, last key_refused"
        assert 'rewardrails_screener_unanswered{screener="watch"} 2.0' in figures
        assert 'rewardrails_screener_failures{screener="watch"} 1.0' in figures


# Parts of other packages -----------------------------------------------------------------------------------------------


def entry(name, value="rewardrails.ownership.attested:Attested"):
    return EntryPoint(name=name, value=value, group="rewardrails.ownership")


def test_a_proof_of_another_package_is_found_by_its_name():
    proofs = build_proofs(["carrier-pigeon", "attested"], lambda: [entry("carrier-pigeon"), entry("x", "no:thing")])
    assert {name: type(one) for name, one in proofs.items()} == {"carrier-pigeon": Attested, "attested": Attested}


@pytest.mark.parametrize("announced", [[entry("a"), entry("a")], [entry("attested")]])
def test_a_name_that_two_offer_is_nobodys(announced):
    name = announced[0].name
    with pytest.raises(ConfigInvalid, match="more than one package"):
        find("proof of ownership", name, {"attested": Attested}, lambda: announced, field="f")


# What cannot be configured ---------------------------------------------------------------------------------------------

ASKS_NOBODY = CONFIG + '[destination_kinds.paypal_email.rules]\nscreeners = ["wach"]\n'


def test_a_kind_that_asks_a_screener_nobody_describes_is_refused():
    with pytest.raises(ConfigInvalid, match="there is no screener called 'wach'"):
        Config.parse(ASKS_NOBODY)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[screeners.watch]\nadapter = "soap"\n', "screener adapter called 'soap'"),
        ('[screeners.watch]\nadapter = "http"\nsettings = { url = "https://x.example" }\n', "needs the credential"),
        ('[destination_kinds.paypal_email.rules]\nproofs = ["telepathy"]\n', "proof of ownership called 'telepathy'"),
        ('[providers.by-hand.floats.USD]\nminimum = "1"\n', "'by-hand' cannot tell its balance"),
    ],
)
async def test_what_cannot_work_stops_the_start(database_dsn, tmp_path, more, words):
    text = CONFIG.replace('adapter = "fake"\nenabled = true', 'adapter = "fake"') + more
    config = Config.parse(text, env={"DATABASE_URL": database_dsn})
    with pytest.raises(ConfigInvalid, match=words):
        async with RewardRails.open(config, folder=tmp_path):
            pass
