"""Proofs of ownership: answered once, in time, by the right player, about the right destination, by the right key."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rewardrails import ids
from rewardrails.engine.explain import explain
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.ownership import Claim, challenge, prove
from rewardrails.errors import ConfigInvalid, DestinationInvalid, FieldInvalid, OwnershipRefused, RewardRailsError
from rewardrails.ownership.registry import build_proofs
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states

WALLETS = (
    CONFIG
    + """
[destination_kinds.wallet]
parser = "ed25519_key"
assets = ["EUR"]
rules = { proofs = ["ed25519", "attested"], prove_above = { EUR = "10.00" } }
[destination_kinds.paypal_email.rules]
proofs = ["attested", "ed25519"]
[destination_kinds.manual_note.rules]
prove_above = { EUR = "10.00" }
[[routes]]
destination_kind = "wallet"
provider = "one"
[ownership]
domain = "pay.example.org"
"""
)


class Wallet:
    """A player's key."""

    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self.address = self._key.public_key().public_bytes(*raw).hex()

    def claim(self, player_id="player:1"):
        return Claim(player_id=player_id, destination_kind="wallet", destination=self.address)

    def sign(self, message):
        return self._key.sign(message.encode()).hex()


@asynccontextmanager
async def engine(dsn):
    async with opened_core(dsn, [ScriptedRail("one")], config=WALLETS) as core:
        yield replace(core, proofs=build_proofs(["ed25519", "attested"]))


async def ask(core, claim, proof="ed25519"):
    return await challenge(core, claim, proof=proof, actor="test")


async def answer(core, claim, made, text):
    return await prove(core, claim, challenge_id=made.id, answer=text, actor="test")


async def refusal(core, claim, made, text):
    with pytest.raises(OwnershipRefused) as caught:
        await answer(core, claim, made, text)
    assert await proofs(core) == 0
    return caught.value.reason


async def proofs(core):
    async with core.database.reading() as connection:
        return await connection.fetchval("SELECT count(*) FROM address_use WHERE proved_at IS NOT NULL")


def paying(wallet, number=1, amount_minor=1001):
    return reward(number, kind="wallet", value=wallet.address, amount_minor=amount_minor)


@pytest.mark.parametrize(("amount_minor", "state"), [(1000, "ready"), (1001, "held")])
async def test_only_what_is_above_the_amount_needs_a_proof(database_dsn, amount_minor, state):
    async with engine(database_dsn) as core:
        (result,) = await request(core, [paying(Wallet(), amount_minor=amount_minor)])
        assert (await states(core))[result.payout_id] == state


async def test_a_signature_by_the_key_lets_held_payouts_go(database_dsn):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        (result,) = await request(core, [paying(wallet)])
        made = await ask(core, wallet.claim())
        await answer(core, wallet.claim(), made, wallet.sign(made.message))
        await judge_due(core)
        await send_all(core)

        assert (await states(core))[result.payout_id] == "paid"
        assert made.message.startswith("rewardrails: proof of ownership\ndomain: pay.example.org\nplayer: player:1\n")
        closed = [hold.closed_by for hold in (await explain(core, result.payout_id)).holds]
        assert closed == [core.actor]


async def test_the_words_of_the_game_let_held_payouts_go(database_dsn):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        (result,) = await request(core, [paying(wallet)])
        made = await ask(core, wallet.claim(), "attested")

        proved = await answer(core, wallet.claim(), made, " mail-confirmation/17 ")
        await judge_due(core)

        assert (await states(core))[result.payout_id] == "ready"
        assert proved.how == "attested: mail-confirmation/17"
        async with core.database.reading() as connection:
            event = await connection.fetchrow("SELECT type, actor FROM event WHERE subject_id = $1", made.id)
        assert tuple(event) == ("ownership.proved", "test")


async def test_a_proof_counts_for_its_player_and_destination_alone(database_dsn):
    wallet, other = Wallet(), Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim())
        await answer(core, wallet.claim(), made, wallet.sign(made.message))

        mine, theirs, elsewhere = await request(
            core, [paying(wallet), replace(paying(wallet, 2), player_id="player:2"), paying(other, 3)]
        )

        standing = await states(core)
        assert [standing[one.payout_id] for one in (mine, theirs, elsewhere)] == ["ready", "held", "held"]


# What is no proof ------------------------------------------------------------------------------------------------------


@pytest.mark.promise("G4")
async def test_a_challenge_is_answered_once(database_dsn):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim())
        signed = wallet.sign(made.message)
        await answer(core, wallet.claim(), made, signed)

        with pytest.raises(OwnershipRefused) as caught:
            await answer(core, wallet.claim(), made, signed)

        assert caught.value.reason == "used"


@pytest.mark.promise("G4")
async def test_of_many_answers_at_once_one_counts(database_dsn, trials):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim())
        signed = wallet.sign(made.message)

        told = await asyncio.gather(
            *(answer(core, wallet.claim(), made, signed) for _ in range(10)), return_exceptions=True
        )

        assert [type(one).__name__ for one in told].count("Proved") == 1
        assert {one.reason for one in told if isinstance(one, OwnershipRefused)} == {"used"}
        trials(10)


@pytest.mark.promise("G4")
async def test_a_wrong_answer_uses_the_challenge_up(database_dsn):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim())

        first = await refusal(core, wallet.claim(), made, Wallet().sign(made.message))
        second = await refusal(core, wallet.claim(), made, wallet.sign(made.message))

        assert (first, second) == ("wrong", "used")


@pytest.mark.promise("G4")
@pytest.mark.parametrize(("ago", "reason"), [("+ interval '5 seconds'", None), ("", "expired")])
async def test_a_challenge_ends(database_dsn, ago, reason):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim(), "attested")
        async with core.database.transaction() as tx:
            await tx.execute(f"UPDATE ownership_challenge SET expires_at = rr_now() {ago}")

        if reason is None:
            assert (await answer(core, wallet.claim(), made, "ref")).how == "attested: ref"
        else:
            assert await refusal(core, wallet.claim(), made, "ref") == reason


@pytest.mark.promise("G4")
async def test_another_players_and_another_destinations_challenge_is_refused_and_stays_good(database_dsn):
    wallet, other = Wallet(), Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim())
        signed = wallet.sign(made.message)

        by_another = await refusal(core, wallet.claim("player:2"), made, signed)
        elsewhere = await refusal(core, other.claim(), made, other.sign(made.message))
        another_kind = Claim(player_id="player:1", destination_kind="paypal_email", destination="a@example.org")
        by_mail = await refusal(core, another_kind, made, "ref")
        nowhere = await refusal(core, wallet.claim(), replace(made, id=ids.new_id()), signed)
        await answer(core, wallet.claim(), made, signed)

        assert (by_another, elsewhere, by_mail) == ("other_player", "other_destination", "other_destination")
        assert nowhere == "unknown_challenge"


def changed(text):
    """The same signature over anything that is not exactly what was asked."""
    return (
        text.replace("player:1", "player:2"),
        text.replace("pay.example.org", "pay.example.com"),
        text.rstrip("\n"),
        text + "\n",
        text.replace("\n", "\r\n"),
        text.replace("nonce: ", "nonce: x"),
        text.replace("until: 2", "until: 3"),
        text.upper(),
        "",
    )


@pytest.mark.promise("G4")
async def test_a_signature_of_any_other_text_is_refused(database_dsn, trials):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        texts = changed((await ask(core, wallet.claim())).message)
        for at in range(len(texts)):
            made = await ask(core, wallet.claim())
            text = changed(made.message)[at]
            assert text != made.message
            assert await refusal(core, wallet.claim(), made, wallet.sign(text)) == "wrong"
        earlier = await ask(core, wallet.claim())
        made = await ask(core, wallet.claim())
        assert await refusal(core, wallet.claim(), made, wallet.sign(earlier.message)) == "wrong"
        trials(len(texts) + 1)


MALFORMED = ("", "0x00", "zz" * 64, "00" * 63, "00" * 65, "00" * 64 + "\n", "\u0660" * 128)


@pytest.mark.promise("G4")
async def test_what_is_no_signature_is_malformed(database_dsn):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        for text in MALFORMED:
            made = await ask(core, wallet.claim())
            assert await refusal(core, wallet.claim(), made, text) == "malformed", text
        made = await ask(core, wallet.claim())
        assert await refusal(core, wallet.claim(), made, "00" * 64) == "wrong"


@pytest.mark.promise("G4")
@pytest.mark.parametrize("text", ["", "   ", "x" * 201, "a\u0000b", "a\nb"])
async def test_a_reference_that_is_none_is_malformed(database_dsn, text):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim(), "attested")
        assert await refusal(core, wallet.claim(), made, text) == "malformed"


async def test_what_cannot_be_asked_is_refused_by_field(database_dsn):
    mail = Claim(player_id="player:1", destination_kind="paypal_email", destination="a@example.org")
    async with engine(database_dsn) as core:
        with pytest.raises(OwnershipRefused) as unsuited:
            await ask(core, mail)
        with pytest.raises(FieldInvalid, match="attested, ed25519"):
            await ask(core, mail, "telepathy")
        with pytest.raises(FieldInvalid, match="nothing"):
            await ask(core, replace(mail, destination_kind="manual_note"), "attested")
        with pytest.raises(DestinationInvalid):
            await ask(core, replace(mail, destination="nobody"), "attested")
        with pytest.raises(RewardRailsError) as unknown:
            await ask(core, replace(mail, destination_kind="pigeon"), "attested")

        assert unsuited.value.reason == "unsuited"
        assert unknown.value.field == "destination_kind"


async def test_neither_destination_nor_answer_is_kept(database_dsn):
    wallet = Wallet()
    async with engine(database_dsn) as core:
        made = await ask(core, wallet.claim())
        signed = wallet.sign(made.message)
        await answer(core, wallet.claim(), made, signed)
        async with core.database.reading() as connection:
            kept = " ".join(
                [
                    await connection.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} AS t")
                    for table in ("ownership_challenge", "address_use", "event")
                ]
            )
        assert wallet.address not in kept
        assert signed not in kept
        assert isinstance(made.id, UUID)


def test_a_proof_that_nobody_offers_stops_the_start():
    with pytest.raises(ConfigInvalid, match="there are attested, ed25519"):
        build_proofs(["telepathy"])
