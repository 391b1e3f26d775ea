"""The shape of everything in `rewardrails.toml` that says who may be paid what, as written."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from rewardrails.config.shapes import Decimals, Jurisdiction, Name, OneOf, Reference, Table
from rewardrails.domain.policy.case import CheckKind
from rewardrails.domain.policy.rules import Per

Check = Annotated[CheckKind, OneOf]


class EligibilityTable(Table):
    """What campaigns and providers both may ask of players; `deny_jurisdictions` wins over what is allowed."""

    deny_jurisdictions: list[Jurisdiction] = []
    minimum_age: int | None = Field(default=None, ge=1, le=120)
    requires: list[Check] = []


class LimitTable(Table):
    """[[limits]]: at most `max_count` payouts or `max_amount` per one of `per` in a window."""

    name: Name
    per: Annotated[Per, OneOf]
    hours: float | None = Field(default=None, gt=0, le=24 * 366)
    window: Literal["calendar_day"] | None = None
    asset: Name | None = None
    max_amount: Decimals | None = None
    max_count: int | None = Field(default=None, ge=0)
    campaigns: list[Name] = []
    providers: list[Name] = []


class ReferenceTable(Table):
    """[reference]: the unit in which limits without an asset add up; rates older than `max_age_hours` hold payouts."""

    unit: Name = "EUR"
    exponent: int = Field(default=2, ge=0, le=18)
    max_age_hours: float = Field(default=24, gt=0)


class DestinationRuleTable(Table):
    """[destination_kinds.NAME.rules]."""

    screened: bool = False
    screeners: list[Name] = []
    only_listed: bool = False
    cooling_off_hours: float = Field(default=0, ge=0)
    proofs: list[Name] = []
    prove_above: dict[Name, Decimals] = {}
    proof_days: float = Field(default=365, gt=0)
    max_players: int | None = Field(default=None, ge=1)
    max_per_player: int | None = Field(default=None, ge=1)


class ApprovalRuleTable(Table):
    """[[approvals]]: how many people must agree when every given condition holds."""

    name: Name
    needs: int = Field(ge=1, le=2)
    asset: Name | None = None
    above: Decimals | None = None
    batch_above: Decimals | None = None
    campaigns: list[Name] = []
    providers: list[Name] = []
    pools: list[Name] = []
    creators: list[str] = []
    fresh_minutes: float | None = Field(default=None, gt=0, le=24 * 60)


class ScreeningTable(Table):
    """[screening]."""

    max_list_age_days: float = Field(default=7, gt=0)


class ScreenerTable(Table):
    """[screeners.NAME]."""

    adapter: Name
    settings: dict[str, JsonValue] = {}
    credentials: dict[Name, Reference] = {}
    answers_last_hours: float = Field(default=24, gt=0)
    ask_again_seconds: float = Field(default=60, ge=1, le=86_400)


class OwnershipTable(Table):
    """[ownership]."""

    domain: Name = "rewardrails"
    challenge_minutes: float = Field(default=15, gt=0, le=24 * 60)


class FloatTable(Table):
    """[providers.NAME.floats.ASSET]: what must stay at the provider, and what should not be exceeded."""

    minimum: Decimals | None = None
    cap: Decimals | None = None
    max_age_minutes: float = Field(default=5, ge=1, le=24 * 60)


class RiskTable(Table):
    """[risk]: scores from here on are held; without a threshold none is."""

    hold_from: int | None = Field(default=None, ge=0, le=100)


class HoldsTable(Table):
    """[holds]: after this time a hold is overdue and alarmed."""

    deadline_hours: float = Field(default=72, gt=0)
