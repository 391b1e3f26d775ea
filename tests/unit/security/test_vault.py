"""The vault alone: what opens what, and how each refusal is called."""

import hashlib
import hmac
import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from rewardrails.errors import ConfigInvalid, DataErased, ErrorCode, KeyMissing
from rewardrails.secrets import Secret
from rewardrails.security.vault import DataKeys, Vault, new_salts
from rewardrails.security.wrapping import MasterKey

RAW = "m" * 48
(SALT, OTHER) = new_salts(2)


@pytest.fixture
def vault() -> Vault:
    return Vault.of_master(Secret(RAW))


@pytest.mark.promise("G6")
def test_a_players_value_opens_with_its_salt_and_purpose_only(vault):
    sealed = vault.seal(b"where to", b"destination", SALT)

    assert vault.open(sealed, b"destination", vault.key_id, SALT) == b"where to"
    for salt in (None, OTHER):
        with pytest.raises(DataErased):
            vault.open(sealed, b"destination", vault.key_id, salt)
    with pytest.raises(ConfigInvalid, match="does not open"):
        vault.open(sealed, b"evidence", vault.key_id, SALT)


@pytest.mark.promise("G6")
def test_many_values_are_sealed_each_with_its_own_salt_and_nonce(vault):
    salts = new_salts(200)
    plains = [b"to %d" % number for number in range(200)]

    sealed = vault.seal_each(plains, b"destination", salts)

    opened = [vault.open(one, b"destination", vault.key_id, salt) for one, salt in zip(sealed, salts, strict=True)]
    assert opened == plains
    assert len({one[9:21] for one in sealed}) == len(set(salts)) == 200
    with pytest.raises(DataErased):
        vault.open(sealed[0], b"destination", vault.key_id, salts[1])
    with pytest.raises(ValueError, match="zip"):
        vault.seal_each(plains[:-1], b"destination", salts)


@pytest.mark.promise("G6")
def test_a_salt_of_the_same_name_opens_nothing(vault):
    sealed = vault.seal(b"where to", b"destination", SALT)

    with pytest.raises(ConfigInvalid, match="does not open"):
        vault.open(sealed, b"destination", vault.key_id, SALT[:8] + os.urandom(32))


@pytest.mark.promise("G6")
@pytest.mark.parametrize("salt", [None, SALT], ids=["nobody's", "a player's"])
def test_no_bit_of_a_sealed_value_can_be_turned(vault, salt):
    sealed = vault.seal(b"x", b"webhook", salt)

    for place in range(len(sealed)):
        turned = bytearray(sealed)
        turned[place] ^= 1
        with pytest.raises((ConfigInvalid, DataErased)):
            vault.open(bytes(turned), b"webhook", vault.key_id, salt)


@pytest.mark.parametrize(
    "sealed", [b"", b"\x01", b"\x02", b"\x02" + bytes(8), b"\x01" + bytes(12), b"\x03" + bytes(40)]
)
def test_what_was_never_sealed_is_refused_by_name(vault, sealed):
    with pytest.raises((ConfigInvalid, DataErased)):
        vault.open(sealed, b"webhook", vault.key_id, SALT)


@pytest.mark.promise("G6")
def test_a_key_that_is_not_held_is_said_to_be_missing(vault):
    with pytest.raises(KeyMissing) as refusal:
        vault.open(vault.seal(b"x", b"webhook"), b"webhook", "k00000000")

    assert refusal.value.code is ErrorCode.KEY_MISSING


def test_a_players_key_is_the_hkdf_of_the_data_key_and_the_salt(vault):
    data_key = MasterKey(Secret(RAW)).derived(b"data-key")
    of_players = HKDFExpand(algorithm=SHA256(), length=32, info=b"rewardrails/player").derive(data_key)
    key = HKDFExpand(algorithm=SHA256(), length=32, info=SALT).derive(of_players)
    sealed = vault.seal(b"x", b"webhook", SALT)

    assert AESGCM(key).decrypt(sealed[9:21], sealed[21:], sealed[:9] + b"webhook") == b"x"


def test_digests_are_those_of_every_version_before():
    """Lookups, idempotency keys and API keys would be lost with another key."""

    def derived(purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"rewardrails/" + purpose).derive(RAW.encode())

    vault = Vault.of_master(Secret(RAW))

    assert vault.digest(b"x") == hmac.digest(derived(b"digest"), b"x", hashlib.sha256)
    assert vault.api_key_digest(b"x") == hmac.digest(derived(b"api-key"), b"x", hashlib.sha256)


def test_what_was_sealed_before_values_had_a_version_still_opens():
    key, nonce = os.urandom(32), os.urandom(12)
    keys = DataKeys(
        sealing={"0123abcd": key, "k0123abcd": os.urandom(32)}, seals_with="k0123abcd", digest=b"d", pepper=b"p"
    )
    sealed = nonce + AESGCM(key).encrypt(nonce, b"where to", b"destination")

    assert Vault(keys).open(sealed, b"destination", "0123abcd", SALT) == b"where to"


def test_a_forgotten_player_key_is_derived_again(vault):
    sealed = vault.seal(b"x", b"webhook", SALT)
    vault.forget_players()

    assert vault.open(sealed, b"webhook", vault.key_id, SALT) == b"x"


@pytest.mark.promise("G6")
async def test_a_master_key_opens_only_what_it_wrapped_itself():
    one, other = MasterKey(Secret("1" * 32)), MasterKey(Secret("2" * 32))
    wrapped = await one.wrap([b"a" * 32, b"b" * 32])

    assert list(await one.unwrap(wrapped)) == [b"a" * 32, b"b" * 32]
    with pytest.raises(KeyMissing):
        await other.unwrap(wrapped)


def test_a_short_master_key_is_refused():
    with pytest.raises(ConfigInvalid, match="at least 32"):
        MasterKey(Secret("x" * 31))
