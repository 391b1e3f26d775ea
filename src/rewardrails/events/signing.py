"""The key that signs checkpoints (Ed25519), and those that are believed."""

from collections.abc import Iterable
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from rewardrails.errors import ConfigInvalid
from rewardrails.secrets import Secret
from rewardrails.security.vault import Vault

_KEY_ID_BYTES = 8
_FORM = "must be an Ed25519 key in PEM form: openssl genpkey -algorithm ed25519"


class SigningKey:
    """Signs; `public_key` is 32 bytes, `key_id` names it."""

    def __init__(self, seed: bytes) -> None:
        """From a seed of 32 bytes."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = key_id(self.public_key)

    @classmethod
    def from_pem(cls, text: Secret) -> "SigningKey":
        """A key as `openssl genpkey -algorithm ed25519` writes it. Raises `ConfigInvalid`."""
        try:
            private = load_pem_private_key(text.reveal().encode(), password=None)
        except (ValueError, TypeError):
            raise ConfigInvalid(_FORM, field="audit.signing_key") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigInvalid(_FORM, field="audit.signing_key")
        return cls(private.private_bytes_raw())

    @classmethod
    def derived(cls, vault: Vault) -> "SigningKey":
        """The key that goes with a master key; for where none is configured."""
        return cls(vault.audit_seed())

    def sign(self, statement: bytes) -> bytes:
        """The signature (64 bytes)."""
        return self._private.sign(statement)


class Believed:
    """The public keys whose signatures count."""

    def __init__(self, public_keys: Iterable[bytes]) -> None:
        self._keys = {key_id(raw): Ed25519PublicKey.from_public_bytes(raw) for raw in public_keys}

    def signed(self, statement: bytes, signature: bytes, by: str) -> bool:
        """Whether the key named `by` is believed and signed `statement`."""
        key = self._keys.get(by)
        if key is None:
            return False
        try:
            key.verify(signature, statement)
        except InvalidSignature:
            return False
        return True


def key_id(public_key: bytes) -> str:
    """The name of a public key: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(public_key).digest()[:_KEY_ID_BYTES].hex()
