"""The fixtures of the suite; an adapter's author overrides `subject`, `vendor` and `notices` and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from rewardrails.testing.contract.behaviour import behaviour_of
from rewardrails.testing.contract.case import Case, Subject
from rewardrails.testing.contract.double import NoticeMaker, VendorDouble
from rewardrails.testing.contract.wire import Wire


def _no_subject(self: object) -> Subject:
    """The adapter and its configuration; to be overridden."""
    raise pytest.UsageError(f"write a fixture `subject` in {type(self).__name__}")


def _none(self: object) -> None:
    """A double of the vendor, or its notices; overridden by every adapter that sends or is told something."""


class ContractFixtures:
    """Where every group of behaviours begins."""

    # Any, because an author may override them by plain, generator or async fixtures, which are of different types.
    subject: Any = pytest.fixture(_no_subject)
    vendor: Any = pytest.fixture(_none)
    notices: Any = pytest.fixture(_none)

    @pytest_asyncio.fixture
    async def case(
        self,
        request: pytest.FixtureRequest,
        subject: Subject,
        vendor: VendorDouble | None,
        notices: NoticeMaker | None,
    ) -> AsyncIterator[Case]:
        """The adapter, connected; skips what its own declaration says it has nothing to do with."""
        wire = Wire(vendor.creates if vendor is not None else _creates_nothing)
        provider = subject.adapter(replace(subject.context, http=wire))
        declared = behaviour_of(request.function)
        reason = declared.applies.unless(provider) if declared is not None else ""
        if reason:
            pytest.skip(f"does not apply: {reason}")
        case = Case(subject=subject, provider=provider, wire=wire, given_vendor=vendor, given_notices=notices)
        async with case.endings:
            case.endings.push_async_callback(provider.close)
            yield case


def _creates_nothing(_method: str, _url: str) -> bool:
    return False
