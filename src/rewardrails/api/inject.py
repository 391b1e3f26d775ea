"""How a handler asks for what the application holds."""

from typing import TypeAlias, TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation

T = TypeVar("T")
Injected: TypeAlias = SkipValidation[NamedDependency[T]]
"""An argument that the application provides by name; it is ours, so nothing looks into it."""
