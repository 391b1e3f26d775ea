"""P-01 to P-04: what an adapter says about itself."""

from datetime import timedelta

from rewardrails.domain.order import AttemptRef
from rewardrails.domain.statement import Statements
from rewardrails.providers.base import (
    RewardPayoutProvider,
    SupportsBatch,
    SupportsCancel,
    SupportsStatement,
    SupportsStatementFile,
    SupportsWebhooks,
)
from rewardrails.providers.capabilities import Capabilities, Dedupe, DedupeScope, Lookup, WebhookTrust
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case

LAST_ATTEMPT = 999_999
LARGEST_EXPONENT = 38


class Declaration(ContractFixtures):
    """Capabilities."""

    @behaviour(1, "What is declared is there, and what is there is declared")
    async def test_declared_is_implemented(self, case: Case) -> None:
        """Capabilities and methods agree both ways: `webhooks` other than `none` and `SupportsWebhooks`, states in
        `cancel_from` and `SupportsCancel`, a `batch_limit` above 1 and `SupportsBatch`, `statements` `list` and
        `SupportsStatement`, `file` and `SupportsStatementFile`.
        """
        can = case.provider.capabilities
        pairs = {
            "webhooks and receive()": (can.webhooks is not WebhookTrust.NONE, _has(case.provider, SupportsWebhooks)),
            "cancel_from and cancel()": (bool(can.cancel_from), _has(case.provider, SupportsCancel)),
            "statements and statement()": (can.statements is Statements.LIST, _has(case.provider, SupportsStatement)),
            "statements and read_statement()": (
                can.statements is Statements.FILE,
                _has(case.provider, SupportsStatementFile),
            ),
            "batch_limit and create_payouts()": (can.batch_limit > 1, _has(case.provider, SupportsBatch)),
        }
        for what, (is_declared, is_there) in pairs.items():
            assert is_declared is is_there, f"{what} disagree: declared {is_declared}, there {is_there}"

    @behaviour(2, "The figures hold together")
    async def test_figures_are_consistent(self, case: Case) -> None:
        """No figure is impossible or contradicts another: durations and limits are positive, a window needs keys that are
        remembered, absence is proved only where the rail is asked by our reference, a batch is atomic only where there are
        batches, and no asset's minimum is above its maximum.
        """
        wrong = [what for what, holds in _figures(case.provider.capabilities).items() if not holds]
        assert wrong == [], f"capabilities that cannot be: {wrong}"

    @behaviour(3, "Our keys fit")
    async def test_keys_fit(self, case: Case) -> None:
        """The declared `key_format` takes the key of every attempt, the longest included. A key is never cut or translated:
        two attempts whose keys are cut to the same text would be one payout.
        """
        keys = case.provider.capabilities.key_format
        for attempt_no in (1, LAST_ATTEMPT):
            key = AttemptRef(payout_id=case.order().ref.payout_id, attempt_no=attempt_no).rail_key
            assert len(key) <= keys.max_length, f"a key of ours has {len(key)} letters, declared are {keys.max_length}"
            assert set(key) <= set(keys.alphabet), (
                f"letters outside the declared alphabet: {set(key) - set(keys.alphabet)}"
            )

    @behaviour(4, "A declaration does not change")
    async def test_declaration_is_constant(self, case: Case) -> None:
        """Name and capabilities are the same before and after a payout; the engine reads them once."""
        before = (case.provider.name, case.provider.capabilities)
        await case.accepted(case.order())
        assert (case.provider.name, case.provider.capabilities) == before
        assert case.provider.name == case.subject.context.name


def _has(provider: RewardPayoutProvider, protocol: type[object]) -> bool:
    return isinstance(provider, protocol)


def _figures(can: Capabilities) -> dict[str, bool]:
    zero = timedelta(0)
    remembers = can.dedupe is not Dedupe.NONE
    return {
        "dedupe_window is positive": can.dedupe_window is None or can.dedupe_window > zero,
        "dedupe none has no window": remembers or can.dedupe_window is None,
        "dedupe none replays no errors": remembers or not can.dedupe_replays_errors,
        "dedupe none covers no batch": remembers or can.dedupe_scope is DedupeScope.REQUEST,
        "authoritative lookup is by our reference": (
            not can.lookup_is_authoritative or can.lookup is Lookup.OUR_REFERENCE
        ),
        "lookup_lag is not negative": can.lookup_lag >= zero,
        "no lookup has no lag": can.lookup is not Lookup.NONE or can.lookup_lag == zero,
        "batch_limit is positive": can.batch_limit >= 1,
        "an atomic batch is a batch": can.batch_limit > 1 or not can.batch_is_atomic,
        "reversal_horizon is not negative": can.reversal_horizon >= zero,
        "rate_per_second is positive": can.rate_per_second is None or can.rate_per_second > 0,
        "max_in_flight is positive": can.max_in_flight >= 1,
        "call_timeout is positive": can.call_timeout > zero,
        "first_sync_after is positive": can.first_sync_after > zero,
        "environments are named": bool(can.environments),
        "key_format takes something": can.key_format.max_length >= 1 and bool(can.key_format.alphabet),
        "assets have limits that can be met": all(
            0 <= asset.exponent <= LARGEST_EXPONENT
            and 1 <= asset.min_minor <= (asset.min_minor if asset.max_minor is None else asset.max_minor)
            for asset in can.assets.values()
        ),
        "fees are not negative": can.fees.basis_points >= 0 and all(fee >= 0 for fee in can.fees.fixed_minor.values()),
    }
