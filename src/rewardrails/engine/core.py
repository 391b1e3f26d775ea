"""What every verb of the engine works with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rewardrails.config import Config
from rewardrails.domain.destination import Destination
from rewardrails.domain.payout import RetryRule
from rewardrails.domain.reward import RewardRow
from rewardrails.events.audit import Audit
from rewardrails.ownership.base import OwnershipProof
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.screeners.base import Screener
from rewardrails.security.vault import Vault
from rewardrails.security.wrapping import KeyRing
from rewardrails.store.database import Database

DESTINATION = b"destination"
EVIDENCE = b"evidence"
RAIL_STATE = b"rail-state"
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Database, keys, configuration and providers of one process; `actor` names the process in history.

    `ring` wraps the vault's data keys; None where they were not taken from the database. `providers`
    holds also those that are switched off: they are asked about what they were given before, never sent to.
    Without `audit` the log is sealed, not signed.
    """

    database: Database
    vault: Vault
    config: Config
    providers: Mapping[str, RewardPayoutProvider]
    actor: str
    retry: RetryRule = field(default_factory=RetryRule)
    audit: Audit | None = None
    ring: KeyRing | None = None
    screeners: Mapping[str, Screener] = field(default_factory=dict)
    proofs: Mapping[str, OwnershipProof] = field(default_factory=dict)

    @property
    def installation(self) -> str:
        """The same name for one database under every master key it ever has (16 hexadecimal digits)."""
        return self.vault.digest(b"installation").hex()[:16]

    def sends(self, provider: str | None) -> bool:
        """Whether this provider is there and switched on."""
        return provider is not None and provider in self.providers and self.config.providers[provider].enabled

    def seal_destinations(self, destinations: Iterable[Destination], salts: Sequence[bytes]) -> list[bytes]:
        """Each destination with its memo as one ciphertext, for the player whose salt is beside it."""
        plains = (_SEPARATOR.join((one.kind, one.value, one.memo)).encode() for one in destinations)
        return self.vault.seal_each(plains, DESTINATION, salts)

    def open_destination(self, sealed: bytes, key_id: str, salt: bytes | None) -> Destination:
        """The destination that `seal_destinations` sealed. Raises `DataErased`, `KeyMissing`."""
        kind, value, memo = self.vault.open(sealed, DESTINATION, key_id, salt).decode().split(_SEPARATOR, 2)
        return Destination(kind=kind, value=value, memo=memo)

    def digest_destination(self, destination: Destination) -> bytes:
        """Keyed digest of kind, value and memo (32 bytes)."""
        return self.vault.digest(_SEPARATOR.join((destination.kind, destination.value, destination.memo)).encode())

    def digest_address(self, destination: Destination) -> bytes:
        """Keyed digest of the address alone (32 bytes): the same whatever its kind, memo and spelling."""
        return self.vault.digest(b"address" + _SEPARATOR.encode() + destination.address().encode())

    def digest_recipient(self, destination: Destination) -> bytes:
        """Keyed digest of address and memo (32 bytes): one customer of an exchange; without a memo that of the address."""
        if not destination.memo:
            return self.digest_address(destination)
        named = _SEPARATOR.join(("recipient", destination.address(), destination.memo))
        return self.vault.digest(named.encode())

    def digest_content(self, reward: RewardRow) -> bytes:
        """Keyed digest of everything a reward says (32 bytes); equal content has equal digests."""
        return self.vault.digest(reward.content_digest())

    def seal_evidence(self, raw: bytes, salt: bytes) -> bytes:
        """Raw words about a payout as ciphertext, for the player whose salt it is."""
        return self.vault.seal(raw, EVIDENCE, salt)

    def open_evidence(self, sealed: bytes, key_id: str, salt: bytes | None) -> bytes:
        """What `seal_evidence` sealed. Raises `DataErased`, `KeyMissing`."""
        return self.vault.open(sealed, EVIDENCE, key_id, salt)

    def seal_rail_state(self, raw: bytes, salt: bytes | None) -> bytes:
        """What an adapter prepared, or resumes by, as ciphertext."""
        return self.vault.seal(raw, RAIL_STATE, salt)

    def open_rail_state(self, sealed: bytes | None, key_id: str | None, salt: bytes | None) -> bytes | None:
        """What `seal_rail_state` sealed; without a key what an older version stored in clear."""
        return sealed if sealed is None or key_id is None else self.vault.open(sealed, RAIL_STATE, key_id, salt)
