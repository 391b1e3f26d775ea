"""A provider's notice as it arrived, before anybody believed it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """Raw bytes and lower-cased headers of one delivery; `received_at` is our clock.

    A header that came several times has all its values, with commas between them.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    received_at: datetime
