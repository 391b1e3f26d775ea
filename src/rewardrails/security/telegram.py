"""Init data of a Telegram Mini App: signed with the bot's token, recent, from one user."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import msgspec

from rewardrails import clock
from rewardrails.config import TelegramSettings

MAX_LENGTH = 4096
MAX_FIELDS = 64
MAX_AHEAD_SECONDS = 30
"""How far Telegram's clock may be ahead of ours."""
_hash = re.compile(r"[0-9a-f]{64}").fullmatch
_seconds = re.compile(r"[0-9]{1,12}").fullmatch


class InitDataRefused(Exception):
    """Not signed by Telegram for this bot, too old, or of no user. The reason is for our own log only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitData:
    """Who opened the Mini App; `signature` (32 bytes) is the same for the same init data."""

    user_id: int
    signature: bytes = field(repr=False)


class _User(msgspec.Struct):
    id: int


def verify(init_data: str, settings: TelegramSettings) -> InitData:
    """Whom the init data names. Raises `InitDataRefused`."""
    fields = _fields(init_data)
    told = fields.pop("hash", "")
    if not _hash(told):
        raise InitDataRefused("no hash")
    check = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))
    key = hmac.digest(b"WebAppData", settings.bot_token.reveal().encode(), hashlib.sha256)
    expected = hmac.digest(key, check.encode("utf-8", "surrogatepass"), hashlib.sha256)
    if not hmac.compare_digest(expected, bytes.fromhex(told)):
        raise InitDataRefused("the hash is another one")
    if not _seconds(fields.get("auth_date", "")):
        raise InitDataRefused("no auth_date")
    age_seconds = clock.now().timestamp() - int(fields["auth_date"])
    if not -MAX_AHEAD_SECONDS <= age_seconds <= settings.max_age.total_seconds():
        raise InitDataRefused("too old, or of the future")
    try:
        user = msgspec.json.decode(fields.get("user", ""), type=_User)
    except msgspec.DecodeError as error:
        raise InitDataRefused("no user") from error
    return InitData(user_id=user.id, signature=expected)


def _fields(init_data: str) -> dict[str, str]:
    if len(init_data) > MAX_LENGTH:
        raise InitDataRefused("too long")
    try:
        pairs = parse_qsl(init_data, keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise InitDataRefused("no query string") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InitDataRefused("a field comes twice")
    return fields
