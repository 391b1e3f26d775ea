"""Encryption at rest and keyed digests, from data keys that are held in memory."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from rewardrails import ids
from rewardrails.errors import ConfigInvalid, DataErased, KeyMissing
from rewardrails.secrets import Secret
from rewardrails.security.wrapping import MasterKey

SALT_BYTES = 40
SALT_NAME_BYTES = 8
CACHED_PLAYERS = 8192
NEW_FORM = "k"  # the first letter of every data key that seals with a version byte; older ones have none
_NONCE_BYTES = 12
_OF_NOBODY = b"\x01"
_OF_A_PLAYER = b"\x02"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeys:
    """What a vault works with (32 bytes each): sealing keys by id, the id that seals, and what never changes."""

    sealing: Mapping[str, bytes] = field(repr=False)
    seals_with: str
    digest: bytes = field(repr=False)
    pepper: bytes = field(repr=False)


class Vault:
    """Seals personal data with AES-256-GCM and makes HMAC-SHA256 digests.

    What belongs to a player is sealed with the player's own key, made of a data key and the player's salt: without the
    salt nothing opens it. A sealed value begins with its version (one byte), then for a player's the name of the salt (its
    first 8 bytes), the nonce, the ciphertext. `key_id` names the data key that seals now.
    """

    def __init__(self, keys: DataKeys) -> None:
        self.key_id = keys.seals_with
        self._digest_key = keys.digest
        self._pepper = keys.pepper
        self._audit_seed = _expand(keys.digest, b"audit")
        self._for_nobody = {
            key_id: AESGCM(_expand(key, b"seal") if key_id.startswith(NEW_FORM) else key)
            for key_id, key in keys.sealing.items()
        }
        self._for_players = {key_id: _expand(key, b"player") for key_id, key in keys.sealing.items()}
        self._of_player = lru_cache(CACHED_PLAYERS)(self._derive)

    @classmethod
    def of_master(cls, master: Secret) -> "Vault":
        """The vault that one master key gives by itself, as it does in the first process of a new database."""
        key = MasterKey(master)
        made = first_key_id(key)
        return cls(
            DataKeys(
                sealing={made: key.derived(b"data-key")},
                seals_with=made,
                digest=key.derived(b"digest"),
                pepper=key.derived(b"api-key"),
            )
        )

    def seal(self, plain: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
        """Version, nonce and ciphertext of `plain`; opens only with the same `purpose`, and a player's with its `salt`."""
        nonce = os.urandom(_NONCE_BYTES)
        if salt is None:
            return _OF_NOBODY + nonce + self._for_nobody[self.key_id].encrypt(nonce, plain, _OF_NOBODY + purpose)
        return self._sealed_for(salt, nonce, plain, purpose)

    def seal_each(self, plains: Iterable[bytes], purpose: bytes, salts: Sequence[bytes]) -> list[bytes]:
        """`seal` of each with the salt beside it; the system is asked for random bytes once."""
        drawn = os.urandom(_NONCE_BYTES * len(salts))
        nonces = (drawn[at : at + _NONCE_BYTES] for at in range(0, len(drawn), _NONCE_BYTES))
        return [
            self._sealed_for(salt, nonce, plain, purpose)
            for salt, nonce, plain in zip(salts, nonces, plains, strict=True)
        ]

    def open(self, sealed: bytes, purpose: bytes, key_id: str, salt: bytes | None = None) -> bytes:
        """The plain bytes; `salt` is the present one of the player they belong to.

        Raises `KeyMissing` when this process was not given the key, `DataErased` when the player's salt is gone or another
        one, `ConfigInvalid` when the bytes were altered or belong elsewhere.
        """
        if not sealed:
            raise _erased()
        if key_id not in self._for_nobody:
            raise KeyMissing(
                f"a stored value is sealed with the data key {key_id}, which this process does not hold: configure the "
                "master key that it is wrapped with, then start again ('rewardrails vault status' names it)"
            )
        head, body, cipher = b"", sealed, self._for_nobody[key_id]
        if key_id.startswith(NEW_FORM):
            head, body = sealed[:1], sealed[1:]
            if head == _OF_A_PLAYER:
                head, body = sealed[: 1 + SALT_NAME_BYTES], sealed[1 + SALT_NAME_BYTES :]
                if salt is None or head[1:] != salt[:SALT_NAME_BYTES]:
                    raise _erased()
                cipher = self._of_player(key_id, salt)
        try:
            return cipher.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], head + purpose)
        except (InvalidTag, ValueError):
            raise ConfigInvalid(
                f"a stored value sealed with key {key_id} does not open with it: it was altered, or another key bears the "
                "same name; see the runbook on lost keys"
            ) from None

    def holds(self, key_id: str) -> bool:
        """Whether this process can open what that data key sealed."""
        return key_id in self._for_nobody

    def forget_players(self) -> None:
        """Drop every player's key from memory."""
        self._of_player.cache_clear()

    def digest(self, plain: bytes) -> bytes:
        """Keyed digest (32 bytes): equal for equal values, tells nothing without the key, the same whatever rotates."""
        return hmac.digest(self._digest_key, plain, hashlib.sha256)

    def api_key_digest(self, token: bytes) -> bytes:
        """Peppered digest under which an API key is stored (32 bytes)."""
        return hmac.digest(self._pepper, token, hashlib.sha256)

    def audit_seed(self) -> bytes:
        """Seed (32 bytes) of the key that signs the audit log where no other is configured."""
        return self._audit_seed

    def _sealed_for(self, salt: bytes, nonce: bytes, plain: bytes, purpose: bytes) -> bytes:
        head = _OF_A_PLAYER + salt[:SALT_NAME_BYTES]
        return head + nonce + self._of_player(self.key_id, salt).encrypt(nonce, plain, head + purpose)

    def _derive(self, key_id: str, salt: bytes) -> AESGCM:
        # HKDF-Expand of one block, by hand: the library's takes a third longer, and this is done for every player.
        return AESGCM(hmac.digest(self._for_players[key_id], salt + b"\x01", hashlib.sha256))


def first_key_id(master: MasterKey) -> str:
    """Name of the data key that a master key gives by itself."""
    return NEW_FORM + master.name


def new_salts(count: int) -> list[bytes]:
    """Players' salts (40 random bytes each): 8 name it, 32 nobody knows."""
    drawn = ids.random_bytes(SALT_BYTES * count)
    return [drawn[at : at + SALT_BYTES] for at in range(0, len(drawn), SALT_BYTES)]


def _expand(key: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=32, info=b"rewardrails/" + purpose).derive(key)


def _erased() -> DataErased:
    return DataErased("this was erased at its player's request; nothing opens it any more")
