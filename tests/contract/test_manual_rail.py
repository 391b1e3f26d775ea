"""The manual rail keeps what of the contract concerns a rail without a wire."""

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.manual.provider import ManualProvider
from rewardrails.testing.contract import ProviderContract, Subject


class TestManualRail(ProviderContract):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(
            adapter=ManualProvider,
            context=ProviderContext(
                name="by-hand",
                environment=ProviderEnvironment.SANDBOX,
                assets={"USD": 2},
                http=HttpClient(),
            ),
            amount=Money(amount_minor=1_250, asset="USD"),
            destination=Destination(kind="note", value="a-canary-note-2718"),
        )
