"""P-57 to P-59: what is told, and what is not."""

import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.error_codes import CATALOGUE
from rewardrails.errors import ConfigInvalid, ErrorCode, RewardRailsError
from rewardrails.providers.base import RewardPayoutProvider, SupportsBalance, SupportsWebhooks
from rewardrails.secrets import Secret
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case
from rewardrails.testing.contract.conditions import TELLS_ITS_BALANCE
from rewardrails.testing.contract.double import Conduct, News, SignedBy

SHORTEST_CANARY = 6


class Secrecy(ContractFixtures):
    """Secrets, personal data, and errors."""

    @behaviour(57, "No secret and no personal datum gets out")
    async def test_nothing_leaks(
        self, case: Case, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Credentials, destination, memo and player are in no `str`, `repr`, traceback, log line or output, whatever was
        asked, answered, refused, lost or forged; nor in the repr of the adapter's own parts.
        """
        caplog.set_level(logging.DEBUG)
        told = [repr(thing) + str(thing) async for thing in _everything(case)]
        told += [repr(getattr(case.provider, "__dict__", "")), repr(case.provider), caplog.text, *capsys.readouterr()]
        text = "\n".join(told)
        leaked = [name for name, canary in _canaries(case).items() if canary in text]
        assert leaked == [], f"these can be read in what the adapter gave out: {leaked}"

    @behaviour(58, "A missing credential stops the start")
    async def test_credentials_are_needed(self, case: Case) -> None:
        """Without a credential, or with an empty one, the adapter is not built: `ConfigInvalid`, which does not quote the
        others. A secret that defaults to nothing would let everybody in.
        """
        context = case.subject.context
        for name in context.credentials:
            others = {key: secret for key, secret in context.credentials.items() if key != name}
            for left in (others, {**others, name: Secret("")}):
                with pytest.raises(ConfigInvalid) as caught:
                    case.subject.adapter(replace(context, credentials=left, http=case.wire))
                for secret in others.values():
                    assert len(secret.reveal()) < SHORTEST_CANARY or secret.reveal() not in str(caught.value)

    @behaviour(59, "What raises, raises one of ours", applies=TELLS_ITS_BALANCE)
    async def test_errors_have_codes(self, case: Case) -> None:
        """A balance that cannot be had is a `RewardRailsError` with a code of the closed list that says more than "internal
        error".
        """
        assert isinstance(case.provider, SupportsBalance)
        for fault in (*wire.NEVER_SENT, *wire.SILENCE, *wire.DOUBTFUL_STATUSES, *wire.UNUSABLE):
            with case.wire.everything_meets(fault), pytest.raises(RewardRailsError) as caught:
                await case.provider.balance()
            assert caught.value.code in CATALOGUE, fault.name
            assert caught.value.code is not ErrorCode.INTERNAL_ERROR, fault.name


def _canaries(case: Case) -> dict[str, str]:
    subject = case.subject
    named = {f"credential {name}": secret.reveal() for name, secret in subject.context.credentials.items()}
    named |= {
        "destination": subject.destination.value,
        "memo": subject.destination.memo,
        "player": subject.player_id,
    }
    return {name: text for name, text in named.items() if len(text) >= SHORTEST_CANARY}


async def _everything(case: Case) -> AsyncIterator[object]:
    """Whatever an adapter can be made to say."""
    yield case.provider.capabilities
    yield await case.provider.quote(case.quote_request())
    order = case.order()
    yield await case.send(order)
    yield await case.send(order)
    yield await case.sync(order)
    if case.given_vendor is not None:
        for conduct in (Conduct.REFUSE, Conduct.REFUSE_STRANGELY, Conduct.LOSE_REPLY):
            await case.vendor.behave(conduct)
            yield await case.send(case.order())
        for fault in (*wire.NEVER_SENT, *wire.SILENCE, *wire.DOUBTFUL_STATUSES, *wire.UNUSABLE):
            with case.wire.everything_meets(fault):
                yield await case.send(case.order())
                yield await case.sync(order)
                yield await _balance(case.provider)
    for thing in _heard(case):
        yield thing


async def _balance(provider: RewardPayoutProvider) -> object:
    if not isinstance(provider, SupportsBalance):
        return None
    try:
        return await provider.balance()
    except RewardRailsError as error:
        return "".join(traceback.format_exception(error))


def _heard(case: Case) -> list[object]:
    """What a genuine and a forged notice make it say."""
    if not isinstance(case.provider, SupportsWebhooks):
        return []
    order = case.order()
    at = clock.now()
    news = News(
        event="evt-canary",
        at=at,
        status=ObservedStatus.PAID,
        rail_key=order.rail_key,
        provider_reference="ref-1",
        amount=order.amount,
        destination=order.destination,
    )
    said: list[object] = []
    for by in SignedBy:
        for body in (case.notices.write(news), case.notices.write(news)[:-1]):
            headers = case.notices.sign(body, event=news.event, at=at, by=by)
            try:
                said.extend(case.provider.receive(WebhookRequest(body=body, headers=headers, received_at=at)))
            except RewardRailsError as error:
                said.append("".join(traceback.format_exception(error)))
    return said
