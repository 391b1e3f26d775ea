"""Request bodies: JSON straight into the type a handler names, strictly, and a refusal that names the field."""

import re
from collections.abc import Generator
from types import NoneType
from typing import Any, ClassVar, TypeVar, get_args

import msgspec
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import inspect

from rewardrails.errors import FieldInvalid

T = TypeVar("T")
MAX_JSON_BYTES = 64 * 1024
_at_path = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL).match
_steps = re.compile(r"\.(\w+)|(\[[^]]*])").findall
_named = re.compile(r"(?:missing required|contains unknown) field `(?P<name>.*?)`$", re.DOTALL).search


class JsonBody(AbstractDTO[T]):
    """Reads a handler's `data` argument; no type is coerced into another and no unknown field is passed over."""

    _decoders: ClassVar[dict[str, msgspec.json.Decoder[object]]] = {}

    def decode_bytes(self, value: bytes) -> object:
        """The body as the handler's type. Raises `FieldInvalid` with the JSON path of the first fault."""
        decoder = self._decoders[self.asgi_connection.route_handler.handler_id]
        if not value and NoneType in get_args(decoder.type):
            return None  # a body that may be left out
        return decode(decoder, value)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: object = None
    ) -> None:
        """Remember how one handler's body is read."""
        cls._decoders[handler_id] = msgspec.json.Decoder(field_definition.annotation)

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """The body as documented: exactly its type."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        """Answers are encoded as they are."""
        return False

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """None: the type is used as it is."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Never asked, as no transfer model is made."""
        return False


def decode(decoder: "msgspec.json.Decoder[T]", raw: bytes) -> T:
    """`raw` as the decoder's type. Raises `FieldInvalid` naming the field by its JSON path without the leading `$.`."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), decoder.type) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FieldInvalid("the body is not the JSON object this address takes", field="body") from None


def _invalid(words: str, body_type: Any) -> FieldInvalid:
    found = _at_path(words)
    what, path = (found["what"], found["path"] or "$") if found else (words, "$")
    named = _named(what)
    parts = [part for part in (path.removeprefix("$").removeprefix("."), named["name"] if named else "") if part]
    name = ".".join(parts) or "body"
    if not name.isprintable() or len(name) > 200:
        name = "body"
    if "matching regex" in what:
        what = "it holds a control character"
    elif what.startswith("Invalid enum value"):
        what = f"it must be one of {', '.join(_choices(inspect.type_info(body_type), path))}"
    elif named:
        what = "it is missing" if "missing" in what else "there is no such field"
    return FieldInvalid(f"{name}: {what}", field=name)


def _choices(shape: inspect.Type, path: str) -> list[str]:
    """The values that the enum at a JSON path has."""
    for name, _ in _steps(path):
        match shape:
            case inspect.StructType() if name:
                shape = next(field.type for field in shape.fields if field.encode_name == name)
            case inspect.ListType() if not name:
                shape = shape.item_type
            case _:
                break
    return [str(member.value) for member in shape.cls] if isinstance(shape, inspect.EnumType) else []
