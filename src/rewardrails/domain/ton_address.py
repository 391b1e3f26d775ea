"""TON account addresses: 48 characters with tag, workchain, account and CRC16, or raw as `workchain:hex`."""

import re
from binascii import a2b_base64, b2a_base64, crc_hqx

from rewardrails.errors import DestinationInvalid

MAINNET = "mainnet"
_BOUNCEABLE, _NON_BOUNCEABLE, _TESTNET_FLAG = 0x11, 0x51, 0x80
_TAGS = frozenset({_BOUNCEABLE, _NON_BOUNCEABLE, _BOUNCEABLE | _TESTNET_FLAG, _NON_BOUNCEABLE | _TESTNET_FLAG})
_MASTERCHAIN = 0xFF
_NOBODY = bytes(32)
_friendly = re.compile(r"[A-Za-z0-9_-]{48}|[A-Za-z0-9+/]{48}").fullmatch
_raw = re.compile(r"(0|-1):([0-9a-fA-F]{64})").fullmatch
# Tables for bytes: translating text looks up every distinct character anew and takes far longer.
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def canonical_ton_address(text: str, network: str) -> str:
    """The one text of an account: URL-safe, not bounceable, flagged for testnet unless `network` is mainnet.

    Bounceable, non-bounceable and raw spellings of one account come out equal; whether a transfer shall bounce is for
    the rail to decide. Raises `DestinationInvalid`.
    """
    read = _raw_account if ":" in text else _friendly_account
    workchain, account = read(text, network)
    if account == _NOBODY:
        raise _invalid("is the zero address, from which nothing comes back")
    tag = _NON_BOUNCEABLE if network == MAINNET else _NON_BOUNCEABLE | _TESTNET_FLAG
    body = bytes((tag, workchain)) + account
    packed = body + crc_hqx(body, 0).to_bytes(2, "big")
    return b2a_base64(packed, newline=False).translate(_TO_URL_SAFE).decode("ascii")


def _raw_account(text: str, network: str) -> tuple[int, bytes]:
    found = _raw(text)
    if found is None:
        raise _invalid("is not raw: workchain 0 or -1, a colon, 64 hex digits")
    return (0 if found[1] == "0" else _MASTERCHAIN), bytes.fromhex(found[2])


def _friendly_account(text: str, network: str) -> tuple[int, bytes]:
    if not _friendly(text):
        raise _invalid("is not 48 characters of base64")
    packed = a2b_base64(text.encode("ascii").translate(_TO_STANDARD))
    if crc_hqx(packed, 0):  # a CRC over data and its own CRC is zero
        raise _invalid("has a wrong checksum: it was mistyped")
    tag, workchain = packed[0], packed[1]
    if tag not in _TAGS or workchain not in (0, _MASTERCHAIN):
        raise _invalid("has an unknown tag or workchain")
    if tag & _TESTNET_FLAG and network == MAINNET:
        raise _invalid("is of the testnet")
    return workchain, packed[2:34]


def _invalid(why: str) -> DestinationInvalid:
    return DestinationInvalid(f"the TON address {why}", field="destination")
