"""The promises, and what is honestly not shown yet."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise in our words; `limits` is what it does not cover, or what no test shows yet."""

    name: str
    words: str
    limits: tuple[str, ...] = ()


PROMISES: Mapping[str, Promise] = {
    "G1": Promise(
        name="No double pay",
        words="Per reward, over all attempts, keys and rails, at most one accepted and unreturned creation, counted in the "
        "providers' own journals.",
        limits=(
            "A rail that does not deduplicate, or forgets its keys, and has no lookup cannot be saved by software: its "
            "doubtful payouts go to people.",
        ),
    ),
    "G2": Promise(
        name="No loss",
        words="Every accepted request ends paid, failed with its money released, canceled, returned, or visibly flagged; "
        "never silently stuck.",
    ),
    "G3": Promise(
        name="Books balance",
        words="After every commit the books balance, no account is below its bound, and history cannot be changed.",
        limits=("Who owns the database can switch its triggers off; the engine's own role cannot.",),
    ),
    "G4": Promise(
        name="Only true events act",
        words="A forged, replayed, reordered, foreign or mismatching notice never changes a payout.",
    ),
    "G5": Promise(
        name="Evidence",
        words="Every decision and every action of an operator stands in a log in which tampering shows.",
        limits=(
            "Who owns the database can rewrite what no checkpoint covers yet, half a minute as a rule; who owns the checkpoints "
            "and the signing key as well, everything that nobody else holds a copy of.",
            "Refusals beyond 20 of one actor and action in one minute are not told.",
        ),
    ),
    "G6": Promise(
        name="Secrets stay in",
        words="No credential and no personal datum stands in logs, pages, answers, errors, figures or the audit log.",
        limits=(
            "A player id is the game's own pseudonym: it is stored and answered in the clear, and must not be a name or "
            "an address. The same holds for reward ids.",
            "What a person types as the reason of a hold or a pause stands in the audit log as typed.",
        ),
    ),
    "G7": Promise(
        name="Isolation",
        words="Nobody, and no rail, acts outside its rights; an outcome that nobody can prove takes two people.",
        limits=(
            "Not yet: two people above an amount; roles by campaign. That rails do not reach into the core or each other "
            "is checked by the import rules of `make check`.",
        ),
    ),
    "G8": Promise(
        name="Bounded trouble",
        words="One sick rail does not slow the others, and recovery needs no repair by hand.",
        limits=("Not yet: a brownout under load for half an hour.",),
    ),
}

INCIDENTS: tuple[str, ...] = tuple(f"I{number}" for number in range(1, 29))

# Incidents that nothing here can show yet, and why. One that gains a test must leave this list.
DOES_NOT_APPLY_YET: Mapping[str, str] = {}

# What a shown incident does not cover yet.
LIMITED: Mapping[str, str] = {
    "I14": "at the fake provider; no adapter sends batches yet",
    "I19": "for unknown outcomes that two people settle",
    "I26": "at the fake provider; no blockchain adapter yet",
}
