"""What a provider literally said, kept beside what we understood of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Raw words of a provider; stored encrypted, never logged.

    `body` is the answer or event as received (bounded by the transport), `message` the vendor's own text, `trace_id` the
    vendor's request id.
    """

    provider_status: str = ""
    provider_code: str = ""
    message: str = field(default="", repr=False)
    trace_id: str = ""
    http_status: int | None = None
    body: bytes = field(default=b"", repr=False)
