"""Tremendous' own client understands our double, so the double is not merely our own misunderstanding."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tremendous import ApiClient, Configuration, TremendousApi
from tremendous.exceptions import (
    ConflictException,
    NotFoundException,
    UnauthorizedException,
    UnprocessableEntityException,
)
from tremendous.models import CreateOrderRequest

from rewardrails.domain.observation import ObservedStatus
from tests.vendors.tremendous.double import API_KEY, CAMPAIGN, FUNDING_SOURCE, TRUTHS, WEBHOOK_KEY, TremendousDouble

KEY = "00000000000070008000000000000000-1"
Client = Callable[..., Any]


def wanted(**changes: object) -> CreateOrderRequest:
    reward = {
        "campaign_id": CAMPAIGN,
        "value": {"denomination": 12.5, "currency_code": "USD"},
        "recipient": {"email": "a@example.org"},
        "delivery": {"method": "EMAIL"},
    }
    body = {
        "external_id": KEY,
        "payment": {"funding_source_id": FUNDING_SOURCE},
        "reward": reward | changes,
    }
    return CreateOrderRequest.from_dict(body)


@pytest.fixture
async def double() -> AsyncIterator[TremendousDouble]:
    async with TremendousDouble() as opened:
        yield opened


@pytest.fixture
async def call(double: TremendousDouble) -> AsyncIterator[Client]:
    """Calls a method of the client by name, in a thread of its own."""
    with ApiClient(Configuration(host=double.url, access_token=API_KEY)) as client:
        api = TremendousApi(client)

        async def method(name: str, *arguments: object, **named: object) -> Any:
            return await asyncio.to_thread(getattr(api, name), *arguments, **named)

        yield method


async def test_an_order_is_made_once_and_read_back(call: Client, double: TremendousDouble) -> None:
    made = (await call("create_order_with_http_info", wanted())).data.order
    again = await call("create_order_with_http_info", wanted())
    found = (await call("get_order", KEY)).order
    listed = (await call("list_orders", external_id=KEY)).orders

    assert again.status_code == 201
    assert made.id == again.data.order.id == found.id == listed[0].id
    assert (found.external_id, found.rewards[0].value.denomination, len(double.taken)) == (KEY, 12.5, 1)


async def test_webhooks_are_listed_with_their_address_and_key(call: Client) -> None:
    (hook,) = (await call("list_webhooks")).webhooks

    assert (hook.url, hook.private_key) == ("https://pay.example/v1/webhooks/gifts", WEBHOOK_KEY)


async def test_refusals_are_those_that_the_client_knows(call: Client, double: TremendousDouble) -> None:
    await call("create_order", wanted())

    with pytest.raises(ConflictException):
        await call("create_order", wanted(value={"denomination": 13, "currency_code": "USD"}))
    with pytest.raises(NotFoundException):
        await call("get_order", "unheard-of")
    with pytest.raises(UnprocessableEntityException) as refused:
        await call(
            "create_order",
            CreateOrderRequest.from_dict(wanted(recipient={"email": "x"}).to_dict() | {"external_id": "k"}),
        )
    with (
        ApiClient(Configuration(host=double.url, access_token="wrong")) as stranger,
        pytest.raises(UnauthorizedException),
    ):
        await asyncio.to_thread(TremendousApi(stranger).list_orders)

    assert b"recipient" in refused.value.body.encode()
    assert len(double.taken) == 1


@pytest.mark.parametrize("status", [status for status in TRUTHS if status is not ObservedStatus.UNKNOWN])
async def test_every_status_of_the_double_is_one_that_the_client_knows(
    call: Client, double: TremendousDouble, status: ObservedStatus
) -> None:
    await call("create_order", wanted())
    await double.move(KEY, status)

    order = (await call("get_order", KEY)).order

    assert (order.status, order.rewards[0].delivery.status) == TRUTHS[status]


async def test_the_balance_is_told_as_the_client_reads_it(call: Client, double: TremendousDouble) -> None:
    double.available_cents = 1234

    source = (await call("get_funding_source", FUNDING_SOURCE)).funding_source

    assert (source.meta.available_cents, source.meta.currency_code) == (1234, "USD")


async def test_a_link_is_in_the_answer_and_can_be_had_again(call: Client, double: TremendousDouble) -> None:
    made = (await call("create_order", wanted(delivery={"method": "LINK"}))).order
    again = (await call("generate_reward_link", made.rewards[0].id)).reward

    assert made.rewards[0].delivery.link == double.taken[0].link
    assert (again.id, again.link.startswith(double.taken[0].link)) == (made.rewards[0].id, True)
