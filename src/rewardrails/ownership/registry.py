"""Which proofs of ownership there are. Others announce themselves in the entry point group `rewardrails.ownership`."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from rewardrails import announced
from rewardrails.announced import Announced
from rewardrails.ownership.attested import Attested
from rewardrails.ownership.base import OwnershipProof
from rewardrails.ownership.ed25519 import Ed25519Proof


class ProofFactory(Protocol):
    """Makes a proof; it takes nothing, because everything a proof depends on is in the challenge."""

    def __call__(self) -> OwnershipProof:
        """The proof."""


ANNOUNCED = announced.in_group("rewardrails.ownership")
BUILT_IN: Mapping[str, ProofFactory] = MappingProxyType({"attested": Attested, "ed25519": Ed25519Proof})


def build_proofs(names: Iterable[str], foreign: Announced = ANNOUNCED) -> Mapping[str, OwnershipProof]:
    """The named proofs. Raises `ConfigInvalid` for one that nobody offers."""
    return {
        name: announced.find("proof of ownership", name, BUILT_IN, foreign, field="destination_kinds")()
        for name in sorted(set(names))
    }
