"""What every table of `rewardrails.toml` is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}$"
JURISDICTION_PATTERN = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
DECIMALS_PATTERN = r"^[0-9]+(\.[0-9]+)?$"
PUBLIC_KEY_PATTERN = r"^[0-9a-f]{64}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Jurisdiction = Annotated[str, StringConstraints(pattern=JURISDICTION_PATTERN)]
Decimals = Annotated[str, StringConstraints(pattern=DECIMALS_PATTERN)]
PublicKey = Annotated[str, StringConstraints(pattern=PUBLIC_KEY_PATTERN)]
# Where a secret is; what stands there instead of a reference is refused when it is resolved.
Reference = str
# Only a text can become a member of these.
OneOf = Field(strict=False)


class Table(BaseModel):
    """A table; strict: a switch such as `enabled = "no"` is refused and never read as something near it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
