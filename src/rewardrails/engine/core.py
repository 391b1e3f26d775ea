"""What every verb of the engine works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rewardrails.config import Config
from rewardrails.domain.destination import Destination
from rewardrails.domain.payout import RetryRule
from rewardrails.domain.reward import RewardRow
from rewardrails.ownership.base import OwnershipProof
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.screeners.base import Screener
from rewardrails.security.vault import Vault
from rewardrails.store.database import Database

_DESTINATION = b"destination"
_EVIDENCE = b"evidence"
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Database, keys, configuration and providers of one process; `actor` names the process in history.

    `providers` holds also those that are switched off: they are asked about what they were given before, never sent to.
    """

    database: Database
    vault: Vault
    config: Config
    providers: Mapping[str, RewardPayoutProvider]
    actor: str
    retry: RetryRule = field(default_factory=RetryRule)
    screeners: Mapping[str, Screener] = field(default_factory=dict)
    proofs: Mapping[str, OwnershipProof] = field(default_factory=dict)

    def sends(self, provider: str | None) -> bool:
        """Whether this provider is there and switched on."""
        return provider is not None and provider in self.providers and self.config.providers[provider].enabled

    def seal_destination(self, destination: Destination) -> bytes:
        """Destination and memo as one ciphertext."""
        text = _SEPARATOR.join((destination.kind, destination.value, destination.memo))
        return self.vault.seal(text.encode(), _DESTINATION)

    def open_destination(self, sealed: bytes, key_id: str) -> Destination:
        """The destination that `seal_destination` sealed."""
        kind, value, memo = self.vault.open(sealed, _DESTINATION, key_id).decode().split(_SEPARATOR, 2)
        return Destination(kind=kind, value=value, memo=memo)

    def digest_destination(self, destination: Destination) -> bytes:
        """Keyed digest of kind, value and memo (32 bytes)."""
        return self.vault.digest(_SEPARATOR.join((destination.kind, destination.value, destination.memo)).encode())

    def digest_address(self, destination: Destination) -> bytes:
        """Keyed digest of the destination alone (32 bytes): the same for one address, whatever its kind and memo."""
        return self.vault.digest(b"address" + _SEPARATOR.encode() + destination.value.encode())

    def digest_content(self, reward: RewardRow) -> bytes:
        """Keyed digest of everything a reward says (32 bytes); equal content has equal digests."""
        return self.vault.digest(reward.content_digest())

    def seal_evidence(self, raw: bytes) -> bytes:
        """A provider's raw words as ciphertext."""
        return self.vault.seal(raw, _EVIDENCE)

    def open_evidence(self, sealed: bytes, key_id: str) -> bytes:
        """What `seal_evidence` sealed."""
        return self.vault.open(sealed, _EVIDENCE, key_id)
