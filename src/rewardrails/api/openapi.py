"""The OpenAPI document: what the handlers say, plus what only the whole API knows."""

from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.enums import MediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin

from rewardrails.api.problems import MEDIA_TYPE, Problem
from rewardrails.api.routes.address_lists import PATH as LISTS_PATH
from rewardrails.api.routes.webhooks import MAX_NOTICE_BYTES, PATH
from rewardrails.api.schemas.common import In

_PROBLEM = {
    "description": "Refused; the code says why.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_OPEN = (PATH, "/v1/sign-in/")
_SIGN_IN = "V1SessionsSignIn"
_FILE = {"type": "string", "format": "binary"}


class Description(OpenAPIRenderPlugin):
    """Serves the document as JSON and nothing else: the framework's own pages fetch scripts from elsewhere."""

    def __init__(self) -> None:
        super().__init__(path=("/", "/openapi.json"), media_type=MediaType.JSON)
        self._document: bytes | None = None

    def render(self, request: Request, openapi_schema: dict[str, Any]) -> bytes:  # type: ignore[type-arg]  # noqa: ARG002
        """The document, made once."""
        if self._document is None:
            self._document = document(request.app)
        return self._document


def document(app: Litestar) -> bytes:
    """The OpenAPI 3.1 document of `app` as JSON."""
    schema = dict(app.openapi_schema.to_schema())
    _, components = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    schema["components"]["schemas"].update(components)
    for shape in In.__subclasses__():
        schema["components"]["schemas"][shape.__name__]["additionalProperties"] = False
    schema["paths"][f"{PATH}/{{provider}}"] = _webhook_path()
    for path, item in schema["paths"].items():
        for operation in item.values():
            operation["responses"].pop("400", None)
            operation["responses"]["default"] = _PROBLEM
            if not path.startswith("/v1/") or path.startswith(_OPEN) or operation["operationId"] == _SIGN_IN:
                operation["security"] = []
    schema["paths"]["/v1/batches"]["post"]["requestBody"] = {
        "required": True,
        "content": {"text/csv": {"schema": _FILE}, "application/x-ndjson": {"schema": _FILE}},
    }
    schema["paths"][LISTS_PATH]["post"]["requestBody"] = {
        "required": True,
        "content": {"text/plain": {"schema": _FILE}, "application/xml": {"schema": _FILE}},
    }
    schema["paths"]["/v1/payouts/{payout_id}/release"]["post"]["requestBody"]["required"] = False
    return msgspec.json.encode(schema)


def _webhook_path() -> dict[str, Any]:
    return {
        "post": {
            "tags": ["Webhooks"],
            "operationId": "receiveWebhook",
            "summary": "A provider's notice",
            "description": f"Signed by the provider; at most {MAX_NOTICE_BYTES} bytes. Answers 200 once it is stored.",
            "parameters": [{"name": "provider", "in": "path", "required": True, "schema": {"type": "string"}}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
            "responses": {"200": {"description": "Stored; it will be applied."}},
        }
    }
