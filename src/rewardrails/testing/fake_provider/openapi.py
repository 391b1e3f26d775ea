"""The OpenAPI 3.1 description that the fake provider serves of itself."""

from typing import Any

import msgspec

from rewardrails.testing.fake_provider.wire import (
    Balances,
    Batch,
    CreateBatch,
    CreatePayout,
    ErrorBody,
    Event,
    Payout,
    PayoutList,
    Quote,
)

_SHAPES = (CreatePayout, CreateBatch, Payout, PayoutList, Batch, Balances, Quote, ErrorBody, Event)
_REFS, _COMPONENTS = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
_REF = dict(zip(_SHAPES, _REFS, strict=True))

Json = dict[str, Any]


def _content(shape: type[msgspec.Struct]) -> Json:
    return {"application/json": {"schema": _REF[shape]}}


def _operation(
    name: str, answer: type[msgspec.Struct], *, body: type[msgspec.Struct] | None = None, parameters: list[Json]
) -> Json:
    refused = {"description": "Refused", "content": _content(ErrorBody)}
    operation: Json = {
        "operationId": name,
        "parameters": parameters,
        "responses": {"2XX": {"description": "Done", "content": _content(answer)}, "4XX": refused, "5XX": refused},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _content(body)}
    return operation


def _parameter(name: str, place: str) -> Json:
    return {"name": name, "in": place, "required": True, "schema": {"type": "string"}}


_KEY = [_parameter("Idempotency-Key", "header")]
_ID = [_parameter("id", "path")]

_PATHS: Json = {
    "/v1/payouts": {
        "post": _operation("createPayout", Payout, body=CreatePayout, parameters=_KEY),
        "get": _operation("findPayouts", PayoutList, parameters=[_parameter("reference", "query")]),
    },
    "/v1/payouts/{id}": {"get": _operation("getPayout", Payout, parameters=_ID)},
    "/v1/payouts/{id}/cancel": {"post": _operation("cancelPayout", Payout, parameters=_ID)},
    "/v1/batches": {"post": _operation("createBatch", Batch, body=CreateBatch, parameters=_KEY)},
    "/v1/balance": {"get": _operation("getBalance", Balances, parameters=[])},
    "/v1/quote": {
        "get": _operation("getQuote", Quote, parameters=[_parameter("amount", "query"), _parameter("asset", "query")])
    },
}

_WEBHOOK: Json = {"post": {"requestBody": {"content": _content(Event)}, "responses": {"2XX": {"description": "Taken"}}}}

DOCUMENT = msgspec.json.encode(
    {
        "openapi": "3.1.0",
        "info": {"title": "Fake payout provider", "version": "1"},
        "security": [{"token": []}],
        "paths": _PATHS,
        "webhooks": {"payoutChanged": _WEBHOOK},
        "components": {
            "schemas": _COMPONENTS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
)
