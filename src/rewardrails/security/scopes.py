"""The atomic permissions. What a key holds and what a role is made of."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Scope(StrEnum):
    """One thing that a caller may do; `MEANINGS` says what, `IMPLIED` which others come with it."""

    READ = "read"
    READ_OWN = "read_own"
    REVEAL = "reveal"
    AUDIT = "audit"
    PAYOUTS = "payouts"
    BATCHES = "batches"
    POOLS = "pools"
    HOLD = "hold"
    RELEASE = "release"
    OPERATE = "operate"
    MANUAL = "manual"
    RESOLVE = "resolve"
    PAUSE = "pause"
    APPROVE = "approve"
    COMPLY = "comply"
    PLAYERS = "players"
    TREASURY = "treasury"
    PEOPLE = "people"
    ADMIN = "admin"


MEANINGS: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.READ: "see everything, personal data masked",
        Scope.READ_OWN: "see payouts and batches of one's own making, personal data masked",
        Scope.REVEAL: "see whole destinations where a page or list shows them",
        Scope.AUDIT: "see keys, people and their roles",
        Scope.PAYOUTS: "request and quote payouts",
        Scope.BATCHES: "stage and start batches",
        Scope.POOLS: "open, fund and empty pools",
        Scope.HOLD: "keep payouts from being sent",
        Scope.RELEASE: "let held payouts go on",
        Scope.OPERATE: "cancel, retry and redirect payouts; hold and release them",
        Scope.MANUAL: "pay by hand and record it",
        Scope.RESOLVE: "settle unknown outcomes, with a second person",
        Scope.PAUSE: "stop sending or accepting, and go on",
        Scope.APPROVE: "approve payouts that somebody else created",
        Scope.COMPLY: "keep the legal register and the lists of destinations",
        Scope.PLAYERS: "tell of players' checks and risk",
        Scope.TREASURY: "set rates; hold what providers and banks say they paid against ours, and close what is found",
        Scope.PEOPLE: "make and revoke keys, add people, give roles",
        Scope.ADMIN: "everything; for keys of one's own machines, no role holds it",
    }
)

IMPLIED: Mapping[Scope, frozenset[Scope]] = MappingProxyType(
    {
        Scope.READ: frozenset({Scope.READ_OWN}),
        Scope.MANUAL: frozenset({Scope.REVEAL}),
        Scope.OPERATE: frozenset({Scope.HOLD, Scope.RELEASE}),
        Scope.PEOPLE: frozenset({Scope.AUDIT}),
        Scope.ADMIN: frozenset(Scope),
    }
)


def with_implied(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """The scopes and all that come with them."""
    return scopes.union(*(IMPLIED.get(scope, frozenset()) for scope in scopes))
