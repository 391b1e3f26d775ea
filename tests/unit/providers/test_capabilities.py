"""What no adapter can say of itself."""

from dataclasses import replace

import pytest

from rewardrails.providers.capabilities import ProviderType
from tests.support.scripted_rail import CAPABILITIES


@pytest.mark.parametrize("kind", ProviderType)
def test_over_a_blockchain_a_legal_approval_is_needed_whatever_the_adapter_says(kind: ProviderType) -> None:
    says_none = replace(CAPABILITIES, provider_type=kind, needs_legal_approval=False)

    assert says_none.needs_legal_approval is (kind in {ProviderType.TON_WALLET, ProviderType.CRYPTO_EXCHANGE})
