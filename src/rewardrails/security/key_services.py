"""Key services of other packages: they announce a maker of `KeyWrapper`s in the entry point group `rewardrails.key_services`."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import cast

from rewardrails.errors import ConfigInvalid
from rewardrails.security.wrapping import KeyWrapper

ENTRY_POINT_GROUP = "rewardrails.key_services"
KeyServiceMaker = Callable[[Mapping[str, str]], KeyWrapper]
"""Settings of the configuration to a wrapper; credentials come from the environment, as the service's own client has them."""


def key_service(name: str, settings: Mapping[str, str]) -> KeyWrapper:
    """The wrapper of the service announced as `name`. Raises `ConfigInvalid` when there is none."""
    announced = entry_points(group=ENTRY_POINT_GROUP)
    for point in announced:
        if point.name == name:
            return cast("KeyServiceMaker", point.load())(settings)
    known = ", ".join(sorted(point.name for point in announced)) or "none"
    raise ConfigInvalid(
        f"no installed package offers the key service {name!r}; there are: {known}", field="security.key_service"
    )
