"""Texts that are read as they should be, to be spoiled."""

from collections.abc import Mapping, Sequence

from tests.support.reward_files import GOOD, HEADER
from tests.support.season import CONFIG as SEASON

_TON = (
    "UQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqEBI",
    "EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N",
    "0:83dfd552e63729b472fcbcc8c45ebcc6691702558b68ec7527e1ba403a0f31a8",
)
ADDRESSES: Mapping[str, Sequence[str]] = {
    "email": ("player.one+tag@mail.example.org", "ünï@exämple.org", '"a b"@example.org', "a@[127.0.0.1]"),
    "ton_address": _TON,
    "telegram_user": ("123456789", "4503599627370496"),
    "iban": ("DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "NO93 8601 1117 947"),
    "exchange_address": _TON,
    "ed25519_key": ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "0F" * 32),
    "note": ("Pay Ann at the counter,\nshe knows.",),
}
CSV = (f"{HEADER}\n{GOOD}\n", f'{HEADER}\r\n{GOOD}"a ""b"", c"\r\n{GOOD}\r\n', f"\ufeff{HEADER}\n\n{GOOD}")
PAYOUT = (
    '{"campaign": "season", "reward_id": "r-1", "player_id": "p", "amount": "12.50", "asset": "EUR", "jurisdiction": "DE",'
    ' "destination_kind": "paypal_email", "destination": "player@example.org"}'
)
NDJSON = (PAYOUT + "\n", PAYOUT + "\n\n" + PAYOUT.replace("r-1", "r-2"), PAYOUT[:-1] + ', "memo": "\\u00e9"}\n')
CONFIG = (
    SEASON,
    'environment = "test"\n[database]\nurl = "env:TOKEN"\n[events]\nendpoints = []\n[logging]\nlevel = "info"\n',
    'environment = "test"\n[assets.EUR]\nexponent = 2\nredeemable = true\n[pools.p]\nasset = "EUR"\nmax_payout = "5.00"\n',
)
DATES = (
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Sun, 01 Mar 2026 13:00:00 +9999",
)
KEYS = ("order-1", "0190c7e8-b5e8-7000-8000-00000000000a")
CURSORS = ("aQGQx-i16HAAgAAAAAAAAAo", "bgAAAAAAAAAB")
