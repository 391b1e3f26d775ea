"""The fake rail keeps the contract under every profile of its provider, each with the capabilities that fit it."""

from collections.abc import Iterator

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret
from rewardrails.testing.contract import ProviderContract, Subject
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from rewardrails.testing.fake_provider.options import PROFILES
from tests.contract.fake_double import EXPONENTS, LAG_SECONDS, SETTINGS, FakeDouble, FakeNotices

pytestmark = [
    pytest.mark.promise("G1", "G4", "G6"),
    pytest.mark.incident("I4", "I9", "I12", "I15", "I22", "I23", "I24"),
]


@pytest.fixture(scope="module", params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def process(profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProviderProcess]:
    arguments = ("--profile", profile, "--lookup-lag-seconds", str(LAG_SECONDS))
    started = FakeProviderProcess(tmp_path_factory.mktemp("fake"), arguments=arguments)
    started.launch()
    yield started
    started.end()


class TestFakeRail(ProviderContract):
    @pytest.fixture
    async def vendor(self, process: FakeProviderProcess) -> FakeDouble:
        await process.control.forget_rules()
        await process.control.mix("stuck=1")
        return FakeDouble(process)

    @pytest.fixture
    def notices(self, process: FakeProviderProcess) -> FakeNotices:
        return FakeNotices(process.webhook_secret)

    @pytest.fixture
    def subject(self, process: FakeProviderProcess, profile: str) -> Subject:
        return Subject(
            adapter=FakeProvider,
            context=ProviderContext(
                name="fake",
                environment=ProviderEnvironment.SANDBOX,
                settings={"base_url": process.url, **SETTINGS[profile]},
                credentials={"api_token": Secret(process.token), "webhook_secret": Secret(process.webhook_secret)},
                assets=EXPONENTS,
                fees=FeeSchedule(fixed_minor={"USD": 25}, basis_points=150),
                http=HttpClient(),
            ),
            amount=Money(amount_minor=1_250, asset="USD"),
            destination=Destination(kind="iban", value="DE89370400440532013000", memo="season-canary-7"),
        )


def test_every_profile_has_its_settings() -> None:
    assert set(SETTINGS) == set(PROFILES)
