"""The legal register over the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from rewardrails.api import fields
from rewardrails.api.schemas.common import Amount, Decimal, In, Moment, Name, Out, Words, amount
from rewardrails.domain.assets import parse_amount
from rewardrails.engine.core import Core
from rewardrails.engine.legal import NewApproval, RecordedApproval
from rewardrails.errors import FieldInvalid
from rewardrails.providers.capabilities import ProviderType

Names = Annotated[list[Name], Meta(min_length=1, max_length=300)]


class LegalApprovalIn(In):
    """What is to be allowed, and which document allows it. `campaigns` may be `["*"]`.

    A maximum is in whole units of the one asset that the approval then names; null bounds nothing.
    """

    provider_type: ProviderType
    adapter: Name
    assets: Names
    jurisdictions: Names
    campaigns: Names
    valid_from: Moment
    valid_until: Moment
    document_reference: Name
    document_sha256: Annotated[str, Meta(max_length=64, description="64 hexadecimal digits.")]
    max_total: Decimal | None = None
    max_per_player: Decimal | None = None

    def new(self, core: Core) -> NewApproval:
        """What the engine records. Raises `FieldInvalid`."""
        return NewApproval(
            provider_type=self.provider_type,
            adapter=self.adapter,
            assets=frozenset(self.assets),
            jurisdictions=fields.jurisdictions(self.jurisdictions, "jurisdictions"),
            campaigns=frozenset(self.campaigns),
            valid_from=fields.moment(self.valid_from, "valid_from"),
            valid_until=fields.moment(self.valid_until, "valid_until"),
            document_reference=self.document_reference,
            document_sha256=fields.sha256(self.document_sha256, "document_sha256"),
            max_total_minor=self._bound(core, self.max_total, "max_total"),
            max_per_player_minor=self._bound(core, self.max_per_player, "max_per_player"),
        )

    def _bound(self, core: Core, text: str | None, field: str) -> int | None:
        if text is None:
            return None
        if len(set(self.assets)) > 1:
            raise FieldInvalid("assets: an approval with a maximum names one asset", field="assets")
        asset = core.config.assets.get(self.assets[0])
        if asset is None:
            raise FieldInvalid(f"assets[0]: {self.assets[0]!r} is not configured", field="assets[0]")
        with fields.called(field, "amount"):
            return parse_amount(text, asset)


class RevocationIn(In):
    """Why an approval ends."""

    reason: Words


class LegalApprovalOut(Out):
    """An approval as it stands: in force once confirmed, within its time, until it is revoked."""

    id: UUID
    provider_type: ProviderType
    adapter: str
    assets: list[str]
    jurisdictions: list[str]
    campaigns: list[str]
    max_total: Amount | None
    max_per_player: Amount | None
    valid_from: datetime
    valid_until: datetime
    document_reference: str
    document_sha256: str
    recorded_by: str
    recorded_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    revoke_reason: str | None

    @classmethod
    def of(cls, core: Core, found: RecordedApproval) -> "LegalApprovalOut":
        """An approval as it goes out."""
        asset = min(found.assets)  # a maximum comes with one asset only
        return cls(
            id=found.id,
            provider_type=found.provider_type,
            adapter=found.adapter,
            assets=sorted(found.assets),
            jurisdictions=sorted(found.jurisdictions),
            campaigns=sorted(found.campaigns),
            max_total=_amount(core, found.max_total_minor, asset),
            max_per_player=_amount(core, found.max_per_player_minor, asset),
            valid_from=found.valid_from,
            valid_until=found.valid_until,
            document_reference=found.document_reference,
            document_sha256=found.document_sha256.hex(),
            recorded_by=found.recorded_by,
            recorded_at=found.recorded_at,
            confirmed_by=found.confirmed_by,
            confirmed_at=found.confirmed_at,
            revoked_by=found.revoked_by,
            revoked_at=found.revoked_at,
            revoke_reason=found.revoke_reason,
        )


class LegalRegister(Out):
    """Every approval there ever was, newest first."""

    legal_approvals: list[LegalApprovalOut]


def _amount(core: Core, minor: int | None, asset: str) -> Amount | None:
    return None if minor is None else amount(core, minor, asset)
