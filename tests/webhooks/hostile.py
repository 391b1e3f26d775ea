"""Bodies that a vendor would never send, made from one that it did."""

import gzip
import json
from collections.abc import Callable

from tests.webhooks.door import Door

DEEP = 100_000
DIGITS = 100_000


def true_body(door: Door) -> bytes:
    """A notice that would pay the payout."""
    return door.one.body(door.one.payout(door.key, "paid"))


def grown(member: str) -> Callable[[Door], bytes]:
    """The true body with a member more at its front, where nobody looks."""
    return lambda door: b"{" + member.encode("utf-8", "surrogatepass") + b"," + true_body(door)[1:]


def with_value(name: str, value: str) -> Callable[[Door], bytes]:
    """The true body with one of its values replaced."""

    def make(door: Door) -> bytes:
        said = json.loads(true_body(door))
        said["data"][name] = "@"
        return json.dumps(said).replace('"@"', value).encode("utf-8", "surrogatepass")

    return make


def twice(name: str, value: str) -> Callable[[Door], bytes]:
    """The true body in which one key comes twice, the true value last."""
    return lambda door: true_body(door).replace(f'"{name}":'.encode(), f'"{name}":{value},"{name}":'.encode(), 1)


# Refused whoever signed them.
BODIES: dict[str, Callable[[Door], bytes]] = {
    "empty": lambda door: b"",
    "no_object": lambda door: b"null",
    "a_list": lambda door: b"[]",
    "half": lambda door: true_body(door)[: len(true_body(door)) // 2],
    "more_behind": lambda door: true_body(door) + b"{}",
    "two_at_once": lambda door: true_body(door) * 2,
    "deep_lists": lambda door: b"[" * DEEP,
    "deep_objects": lambda door: b'{"a":' * DEEP,
    "deep_and_closed": grown('"x":' + "[" * DEEP + "]" * DEEP),
    "amount_twice": twice("amount", '"9.99"'),
    "amount_twice_in_other_letters": lambda door: true_body(door).replace(
        b'"amount":', b'"am\\u006funt":"9.99","amount":'
    ),
    "reference_twice": twice("reference", '"x"'),
    "data_twice": twice("data", "{}"),
    "unknown_key_twice": grown('"x":1,"x":2'),
    "nan": grown('"x":NaN'),
    "infinity": with_value("amount", "Infinity"),
    "long_number": with_value("amount", "9" * DIGITS),
    "long_number_as_text": with_value("amount", f'"{"9" * DIGITS}"'),
    "exponent": with_value("amount", '"1e1"'),
    "exponent_beyond_bounds": with_value("fee", "1e999999999"),
    "bad_utf8": lambda door: true_body(door).replace(b"player1", b"player\xff\xfe"),
    "bad_utf8_where_nobody_looks": grown('"x":"\udcff"'),
    "overlong_utf8": lambda door: true_body(door).replace(b"player1", b"pl\xc0\xafyer1"),
    "byte_order_mark": lambda door: b"\xef\xbb\xbf" + true_body(door),
    "utf16": lambda door: true_body(door).decode().encode("utf-16"),
    "lone_surrogate": with_value("id", '"po_\\ud800"'),
    "raw_surrogate": with_value("id", '"po_\ud800"'),
    "null_byte_in_a_text": with_value("id", '"po_\\u0000"'),
    "raw_null_byte": lambda door: true_body(door).replace(b"player1", b"player\x001"),
    "null_byte_as_reason": with_value("failure_code", '"\\u0000"'),
    "null_bytes_behind": lambda door: true_body(door) + b"\x00" * 100,
    "compressed": lambda door: gzip.compress(true_body(door)),
    "wrong_type": with_value("livemode", '"false"'),
    "null_member": with_value("amount", "null"),
}
