"""What people are, and what each may do: one table. The identity rules (nobody approves what they made) come on top."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from rewardrails.security.scopes import Scope, with_implied


class Role(StrEnum):
    """What a person or a machine is. A person may have several; then they may do what any of them may."""

    VIEWER = "viewer"
    SUPPORT = "support"
    OPERATOR = "operator"
    APPROVER = "approver"
    COMPLIANCE = "compliance"
    TREASURER = "treasurer"
    ADMIN = "admin"
    GAME_BACKEND = "game_backend"
    AUDITOR = "auditor"


MATRIX: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Scope.READ}),
        Role.SUPPORT: frozenset({Scope.READ, Scope.HOLD, Scope.REISSUE}),
        Role.OPERATOR: frozenset(
            {Scope.READ, Scope.PAYOUTS, Scope.BATCHES, Scope.OPERATE, Scope.MANUAL, Scope.RESOLVE, Scope.PAUSE}
        ),
        Role.APPROVER: frozenset({Scope.READ, Scope.APPROVE}),
        Role.COMPLIANCE: frozenset({Scope.READ, Scope.REVEAL, Scope.COMPLY, Scope.PLAYERS, Scope.HOLD, Scope.RELEASE}),
        Role.TREASURER: frozenset({Scope.READ, Scope.POOLS, Scope.TREASURY}),
        Role.ADMIN: frozenset({Scope.READ, Scope.PEOPLE, Scope.PAUSE}),
        Role.GAME_BACKEND: frozenset({Scope.READ_OWN, Scope.PAYOUTS, Scope.BATCHES, Scope.PLAYERS, Scope.COLLECT}),
        Role.AUDITOR: frozenset({Scope.READ, Scope.REVEAL, Scope.AUDIT}),
    }
)


def scopes_of(roles: Iterable[Role]) -> frozenset[Scope]:
    """Everything that these roles together may do."""
    return with_implied(frozenset().union(*(MATRIX[role] for role in roles)))


def may(role: Role, scope: Scope | None) -> bool:
    """The cell of the matrix; None is what everybody may who is known at all."""
    return scope is None or scope in scopes_of([role])
