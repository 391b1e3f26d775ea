"""Keys that wrap keys: a master key of the configuration, or a key service behind the same few lines."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rewardrails.errors import ConfigInvalid, KeyMissing
from rewardrails.secrets import Secret

MIN_KEY_BYTES = 32
_NONCE_BYTES = 12
_WRAPPED = b"data-key"


class KeyWrapper(Protocol):
    """One key that wraps data keys: a master key held here, or one that never leaves a key service.

    It is asked when a process starts and when data keys are made, never for a single row. Both verbs take and answer
    batches in order; they raise `KeyServiceUnavailable` when the service cannot be reached or refuses.
    """

    @property
    def name(self) -> str:
        """Stands beside what the key wrapped; the same in every process, and tells nothing of the key."""

    async def wrap(self, keys: Sequence[bytes]) -> Sequence[bytes]:
        """Keys (64 bytes each: which one it is, and the key; 32 from older versions) as ciphertexts only this key opens."""

    async def unwrap(self, wrapped: Sequence[bytes]) -> Sequence[bytes]:
        """The keys that `wrap` wrapped. Raises `KeyMissing` for what this key did not wrap."""


@final
class MasterKey:
    """A wrapper whose key is a secret of the configuration, at least 32 bytes long."""

    def __init__(self, secret: Secret) -> None:
        self._raw = secret.reveal().encode()
        if len(self._raw) < MIN_KEY_BYTES:
            raise ConfigInvalid(
                f"the master key is {len(self._raw)} bytes long; use at least {MIN_KEY_BYTES} random ones"
            )
        self._aead = AESGCM(self.derived(b"wrap"))
        self.name = self.derived(b"key-id")[:4].hex()

    def derived(self, purpose: bytes) -> bytes:
        """The 32 bytes this key always gives for `purpose` (HKDF-SHA256)."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"rewardrails/" + purpose).derive(self._raw)

    async def wrap(self, keys: Sequence[bytes]) -> Sequence[bytes]:
        """Keys as ciphertexts."""
        nonces = [os.urandom(_NONCE_BYTES) for _ in keys]
        return [nonce + self._aead.encrypt(nonce, key, _WRAPPED) for nonce, key in zip(nonces, keys, strict=True)]

    async def unwrap(self, wrapped: Sequence[bytes]) -> Sequence[bytes]:
        """The keys. Raises `KeyMissing`."""
        try:
            return [self._aead.decrypt(one[:_NONCE_BYTES], one[_NONCE_BYTES:], _WRAPPED) for one in wrapped]
        except InvalidTag:
            raise KeyMissing(
                f"a stored data key does not open with the master key {self.name}: was it altered?"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The wrapping keys of one process: `current` seals from now on, all of them open."""

    current: KeyWrapper
    others: tuple[KeyWrapper, ...] = ()

    @property
    def by_name(self) -> Mapping[str, KeyWrapper]:
        """Every wrapper by its name; the current one comes first."""
        return {wrapper.name: wrapper for wrapper in (self.current, *self.others)}
