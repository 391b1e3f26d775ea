"""Encryption at rest and keyed digests, from one master key."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rewardrails.errors import ConfigInvalid
from rewardrails.secrets import Secret

_NONCE_BYTES = 12
MIN_KEY_BYTES = 32


class Vault:
    """Seals personal data with AES-256-GCM and makes HMAC-SHA256 digests; keys are derived by purpose with HKDF.

    `key_id` names the sealing key in the database, so that keys can be rotated; it reveals nothing of the key.
    """

    def __init__(self, master: Secret) -> None:
        raw = master.reveal().encode()
        if len(raw) < MIN_KEY_BYTES:
            raise ConfigInvalid(f"the master key is {len(raw)} bytes long; use at least {MIN_KEY_BYTES} random ones")
        self._aead = AESGCM(_derive(raw, b"seal"))
        self._digest_key = _derive(raw, b"digest")
        self._pepper = _derive(raw, b"api-key")
        self._audit_seed = _derive(raw, b"audit")
        self.key_id = _derive(raw, b"key-id")[:4].hex()

    def seal(self, plain: bytes, purpose: bytes) -> bytes:
        """Nonce and ciphertext of `plain`; opens only with the same `purpose`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, purpose)

    def open(self, sealed: bytes, purpose: bytes, key_id: str) -> bytes:
        """The plain bytes; raises `ConfigInvalid` when they were sealed with a key this process does not have."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose)
        except InvalidTag:
            raise ConfigInvalid(
                f"a stored value sealed with key {key_id} does not open with key {self.key_id}; configure the old key"
            ) from None

    def digest(self, plain: bytes) -> bytes:
        """Keyed digest (32 bytes): equal for equal values, tells nothing without the key."""
        return hmac.digest(self._digest_key, plain, hashlib.sha256)

    def api_key_digest(self, token: bytes) -> bytes:
        """Peppered digest under which an API key is stored (32 bytes)."""
        return hmac.digest(self._pepper, token, hashlib.sha256)

    def audit_seed(self) -> bytes:
        """Seed (32 bytes) of the key that signs the audit log where no other is configured."""
        return self._audit_seed


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"rewardrails/" + purpose).derive(master)
