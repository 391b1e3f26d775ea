"""One reward as a game sends it: nine columns of text in, a checked row or one stable refusal out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from rewardrails.domain.assets import Asset, parse_amount
from rewardrails.domain.destination import Destination, parse_destination
from rewardrails.domain.policy.places import covered
from rewardrails.domain.text import find_control, find_control_in_free_text
from rewardrails.errors import ErrorCode, FieldInvalid, RewardRailsError

COLUMNS = (
    "reward_id",
    "player_id",
    "campaign",
    "amount",
    "asset",
    "jurisdiction",
    "destination_kind",
    "destination",
    "memo",
)
RawReward = Sequence[str]
"""The cells of one row, in the order of `COLUMNS`; bytes that are not UTF-8 arrive as lone surrogates."""

# Unicode's spaces, but no line breaks or tabs: those are control characters and must stay to be seen.
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_FREE_TEXT = frozenset({"destination", "memo"})


_is_place = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardRow:
    """A reward whose every field has been checked and normalised; `amount_minor` in smallest units."""

    campaign: str
    reward_id: str
    player_id: str
    amount_minor: int
    asset: str
    jurisdiction: str
    destination: Destination

    def content_digest(self) -> bytes:
        """SHA-256 (32 bytes) that is equal exactly for rewards of equal content; no key enters it."""
        parts = (
            self.campaign,
            self.reward_id,
            self.player_id,
            str(self.amount_minor),
            self.asset,
            self.jurisdiction,
            self.destination.kind,
            self.destination.value,
            self.destination.memo,
        )
        # The lengths in front make the joined text readable in one way only.
        lengths = ",".join([str(len(part)) for part in parts])
        return sha256(f"{lengths}:{''.join(parts)}".encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """How a destination kind is read (a name of `destination.PARSERS`) and which assets it may carry."""

    parser: str
    assets: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRules:
    """What rows are checked against; `campaigns` maps each to the upper-case jurisdictions it pays out in."""

    campaigns: Mapping[str, frozenset[str]]
    assets: Mapping[str, Asset]
    kinds: Mapping[str, KindRule]
    max_field_length: int
    network: str


def validate_row(fields: RawReward, rules: RowRules) -> RewardRow:
    """Check and normalise one row; outer spaces do not count.

    Raises the `RewardRailsError` of the first fault, in this order: shape and fields, campaign, asset known, asset
    redeemable, amount, jurisdiction, destination kind, destination, kind carries asset.
    """
    _check_shape(fields, rules.max_field_length)
    reward_id, player_id, campaign, amount, asset_code, jurisdiction, kind, text, memo = [
        cell.strip(_SPACES) for cell in fields
    ]
    if not (reward_id and player_id and campaign):
        raise _empty(reward_id=reward_id, player_id=player_id)
    allowed = rules.campaigns.get(campaign)
    if allowed is None:
        raise _refused(ErrorCode.CAMPAIGN_UNKNOWN, "campaign", "the campaign is not configured")
    asset = rules.assets.get(asset_code)
    if asset is None:
        raise _refused(ErrorCode.ASSET_UNSUPPORTED, "asset", "the asset is not declared")
    if not asset.redeemable:
        raise _refused(ErrorCode.ASSET_NOT_REDEEMABLE, "asset", f"{asset_code} cannot be paid out")
    amount_minor = parse_amount(amount, asset)
    upper_jurisdiction = jurisdiction.upper()
    if not _is_place(upper_jurisdiction) or not covered(upper_jurisdiction, allowed):
        raise _refused(ErrorCode.JURISDICTION_NOT_ALLOWED, "jurisdiction", "the campaign does not pay out there")
    rule = rules.kinds.get(kind)
    if rule is None:
        raise _refused(ErrorCode.DESTINATION_UNSUPPORTED, "destination_kind", "no destination kind is called so")
    destination = parse_destination(rule.parser, kind=kind, text=text, memo=memo, network=rules.network)
    if asset_code not in rule.assets:
        raise _refused(ErrorCode.ASSET_UNSUPPORTED, "asset", f"{kind} cannot carry {asset_code}")
    return RewardRow(
        campaign=campaign,
        reward_id=reward_id,
        player_id=player_id,
        amount_minor=amount_minor,
        asset=asset_code,
        jurisdiction=upper_jurisdiction,
        destination=destination,
    )


def _check_shape(fields: RawReward, max_length: int) -> None:
    if len(fields) != len(COLUMNS):
        raise FieldInvalid(f"the row has {len(fields)} columns, not {len(COLUMNS)}")
    together = "".join(fields)
    if len(together) <= max_length and together.isprintable():
        return  # nearly every row: printable text holds neither control characters nor surrogates
    for name, cell in zip(COLUMNS, fields, strict=True):
        if len(cell) > max_length:
            raise FieldInvalid(f"{name} is longer than {max_length} characters", field=name)
        if (find_control_in_free_text if name in _FREE_TEXT else find_control)(cell):
            raise FieldInvalid(f"{name} holds a control character or bytes that are not UTF-8", field=name)


def _empty(*, reward_id: str, player_id: str) -> FieldInvalid:
    name = "reward_id" if not reward_id else "player_id" if not player_id else "campaign"
    return FieldInvalid(f"{name} is empty", field=name)


def _refused(code: ErrorCode, name: str, message: str) -> RewardRailsError:
    return RewardRailsError(message, field=name, code=code)
