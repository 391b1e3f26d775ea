"""A destination as the recipient that Wise wants for its currency, by a description of what it asks for.

The description is Wise's own (`GET /v1/quotes/{id}/account-requirements`), kept in the configuration.
Source: https://docs.wise.com/api-reference/recipient
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from rewardrails.domain.destination import Destination
from rewardrails.errors import ConfigInvalid, DestinationInvalid
from rewardrails.providers.wise.wire import Details, NewRecipient

HOLDER = "accountHolderName"
LONGEST = 200


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One field as Wise describes it; a dot in `key` puts it into a group, `value` fixes it for everybody."""

    key: str
    required: bool = True
    min_length: int = 1
    max_length: int = LONGEST
    validation_regexp: str = ""
    values_allowed: tuple[str, ...] = ()
    value: str = ""


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a recipient in one currency consists of beside the holder's name."""

    type: str
    fields: tuple[Field, ...]

    @property
    def asked(self) -> Sequence[Field]:
        """The fields that the player fills."""
        return [field for field in self.fields if not field.value]


_PRIVATE = Field(key="legalType", value="PRIVATE")
KNOWN_FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "EUR": Form(
            type="iban",
            fields=(
                _PRIVATE,
                Field(key="IBAN", min_length=15, max_length=34, validation_regexp=r"[A-Z]{2}[0-9]{2}[A-Z0-9]+"),
            ),
        ),
        "GBP": Form(
            type="sort_code",
            fields=(
                _PRIVATE,
                Field(key="sortCode", validation_regexp=r"[0-9]{6}"),
                Field(key="accountNumber", validation_regexp=r"[0-9]{8}"),
            ),
        ),
    }
)


def refuse_bad_forms(forms: Mapping[str, Form], *, provider: str) -> None:
    """Raise `ConfigInvalid` for a description that nobody could fill, or with a pattern that is none."""
    for currency, form in forms.items():
        for field in form.fields:
            try:
                re.compile(field.validation_regexp)
            except re.error as error:
                raise _bad_form(provider, currency, f"validationRegexp of {field.key!r} is no pattern") from error
        keys = [field.key for field in form.fields]
        if not form.asked or len(set(keys)) < len(keys) or any(key.count(".") > 1 or not key for key in keys):
            raise _bad_form(provider, currency, "every field needs a key of its own, and one field is for the player")


def recipient_of(destination: Destination, form: Form, *, currency: str, profile: int) -> NewRecipient:
    """The recipient that a destination describes; raises `DestinationInvalid` naming the field at fault.

    The value is the one field that is asked for, or `key=value` pairs with semicolons between them; the memo is the
    account holder's name, unless the pairs have it.
    """
    given = _pairs(destination.value, form)
    holder = given.pop(HOLDER, "") or destination.memo
    if len(holder.split()) < 2 or len(holder) > LONGEST:
        raise DestinationInvalid("the account holder's full name is missing: give it as the memo", field=HOLDER)
    details: Details = {}
    for field in form.fields:
        text = field.value or given.pop(field.key, "")
        if text or field.required:
            _put(details, field.key, _checked(field, text))
    if given:
        raise DestinationInvalid(
            f"a recipient in {currency} has no such field: it has {_names(form)}", field="destination"
        )
    return NewRecipient(profile=profile, account_holder_name=holder, currency=currency, type=form.type, details=details)


def _pairs(value: str, form: Form) -> dict[str, str]:
    asked = [field.key for field in form.asked if field.required]
    if "=" not in value and len(asked) == 1:
        return {asked[0]: value.strip()}
    given: dict[str, str] = {}
    for part in filter(str.strip, value.split(";")):
        key, sign, text = (piece.strip() for piece in part.partition("="))
        if not sign or not key or key in given:
            raise DestinationInvalid(
                f"the destination is not key=value pairs with semicolons between them: give {_names(form)}",
                field="destination",
            )
        given[key] = text
    return given


def _checked(field: Field, text: str) -> str:
    fixed = bool(field.value)
    fits = field.min_length <= len(text) <= field.max_length
    matches = not field.validation_regexp or re.fullmatch(field.validation_regexp, text) is not None
    allowed = not field.values_allowed or text in field.values_allowed
    if not fixed and not (fits and matches and allowed and text.isprintable()):
        what = "is missing" if not text else "is not as Wise wants it"
        raise DestinationInvalid(f"the recipient's {field.key} {what}", field=field.key)
    return text


def _put(details: Details, key: str, text: str) -> None:
    group, dot, name = key.partition(".")
    if not dot:
        details[key] = text
        return
    inside = details.setdefault(group, {})
    if isinstance(inside, dict):
        inside[name] = text


def _names(form: Form) -> str:
    return ", ".join(field.key for field in form.asked)


def _bad_form(provider: str, currency: str, what: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"provider {provider!r}, recipients.{currency}: {what}", field=f"providers.{provider}.settings.recipients"
    )
