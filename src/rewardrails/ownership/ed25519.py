"""The player signs a text with the key that the destination is.

The text is UTF-8, its lines end with a line feed, the last one too; the answer is the signature, 128 hex digits:

    rewardrails: proof of ownership
    domain: pay.example.org
    player: p-17
    destination: 4f2a...
    nonce: 8Jx...
    until: 2026-11-23T10:00:00Z
"""

import re
from datetime import UTC

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rewardrails.ownership.base import Bound, Refusal, refused

_key = re.compile(r"[0-9a-f]{64}").fullmatch
_signature = re.compile(r"[0-9a-fA-F]{128}").fullmatch


class Ed25519Proof:
    """For destinations that are an Ed25519 public key in hex (parser `ed25519_key`)."""

    kind = "ed25519"

    def challenge(self, bound: Bound) -> str:
        """The text to sign. Raises `OwnershipRefused` for a destination that is no such key."""
        if not _key(bound.destination.value):
            raise refused(
                Refusal.UNSUITED,
                "this destination is no Ed25519 key in hex: let its kind list another proof",
                field="destination",
            )
        lines = (
            "rewardrails: proof of ownership",
            f"domain: {bound.domain}",
            f"player: {bound.player_id}",
            f"destination: {bound.destination.value}",
            *([f"memo: {bound.destination.memo}"] if bound.destination.memo else []),
            f"nonce: {bound.nonce}",
            f"until: {bound.expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )
        return "".join(f"{line}\n" for line in lines)

    async def verify(self, bound: Bound, answer: str) -> str:
        """Check the signature. Raises `OwnershipRefused`."""
        text = self.challenge(bound).encode()
        if not _signature(answer):
            raise refused(Refusal.MALFORMED, "the signature is 128 hex digits", field="answer")
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(bound.destination.value))
            key.verify(bytes.fromhex(answer), text)
        except (InvalidSignature, ValueError):
            raise refused(
                Refusal.WRONG, "the signature is not of this text by this key: ask for a new challenge", field="answer"
            ) from None
        return "ed25519 signature"
