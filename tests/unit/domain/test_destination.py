"""Destinations are read strictly, equal ones come out equal, and none is shown whole by accident."""

import base64
import binascii
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardrails.domain.destination import PARSERS, Destination, parse_destination
from rewardrails.errors import ConfigInvalid, DestinationInvalid

ACCOUNT = bytes(range(32))


def ton(
    *, tag: int = 0x51, workchain: int = 0, account: bytes = ACCOUNT, alphabet: bytes = b"-_", crc_off_by: int = 0
) -> str:
    body = struct.pack(">Bb", tag, workchain) + account
    packed = body + struct.pack(">H", binascii.crc_hqx(body, 0) ^ crc_off_by)
    return base64.b64encode(packed, alphabet).decode()


def read(parser: str, text: str, *, memo: str = "", network: str = "mainnet") -> Destination:
    return parse_destination(parser, kind="somewhere", text=text, memo=memo, network=network)


@pytest.mark.parametrize(
    ("parser", "text", "value"),
    [
        ("email", "Player.1+tag@Example.COM", "Player.1+tag@example.com"),
        ("email", "  a@example.com ", "a@example.com"),
        ("email", "o'neil@example.com", "o'neil@example.com"),
        ("email", "a@bücher.example.com", "a@xn--bcher-kva.example.com"),
        ("telegram_user", "123456789", "123456789"),
        ("telegram_user", str(2**52), str(2**52)),
        ("iban", "DE89370400440532013000", "DE89370400440532013000"),
        ("iban", "de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("iban", "GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"),
        ("iban", "MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"),
        ("note", " hand over at the finals\nseat 5 ", "hand over at the finals\nseat 5"),
        ("note", "de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("note", "order " + "A" * 48, "order " + "A" * 48),
    ],
)
def test_good_destinations_are_normalised(parser: str, text: str, value: str) -> None:
    assert read(parser, text).value == value


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        ("email", "not an address"),
        ("email", ""),
        ("email", "a@example.com\r\nBcc: b@example.com"),
        ("email", "a@example.com\r\n"),
        ("email", "a@example.com\n"),
        ("email", "a@b@example.com"),
        ("email", "a..b@example.com"),
        ("email", "a@localhost"),
        ("email", "a@-example.com"),
        ("email", "a" * 65 + "@example.com"),
        ("email", "A Player <a@example.com>"),
        ("email", "a@example.com,b@example.com"),
        ("telegram_user", "@username"),
        ("telegram_user", "-1001234567890"),
        ("telegram_user", "0"),
        ("telegram_user", "0123"),
        ("telegram_user", "٣٠"),
        ("telegram_user", "12\n"),
        ("telegram_user", str(2**52 + 1)),
        ("iban", "DE00370400440532013000"),
        ("iban", "DE89370400440532013001"),
        ("iban", "DE8937040044053201300"),
        ("iban", "ZZ89370400440532013000"),
        ("iban", "DE8937040044053201300\n0"),
        ("iban", ""),
        ("note", ""),
        ("note", "  "),
        ("note", "\n"),
        ("note", "a\x1fb"),
        ("note", ton()),
        ("note", f"send it to {ton(tag=0x11, alphabet=b'+/')}, please"),
        ("note", f"wallet:\n{ton(tag=0x91)}"),
        ("note", f"0:{ACCOUNT.hex().upper()}"),
        ("note", f"USDC to 0x{'aB' * 20}."),
    ],
)
def test_bad_destinations_are_refused(parser: str, text: str) -> None:
    with pytest.raises(DestinationInvalid) as caught:
        read(parser, text)
    assert caught.value.field == "destination"
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize("parser", ["ton_address", "exchange_address"])
@pytest.mark.parametrize(
    "spelling",
    [
        ton(tag=0x51),
        ton(tag=0x11),
        ton(tag=0x11, alphabet=b"+/"),
        f"0:{ACCOUNT.hex()}",
        f"0:{ACCOUNT.hex().upper()}",
        f" {ton()}  ",
    ],
)
def test_every_spelling_of_a_ton_account_comes_out_the_same(parser: str, spelling: str) -> None:
    assert read(parser, spelling).value == ton(tag=0x51)


@given(account=st.binary(min_size=32, max_size=32).filter(any), workchain=st.sampled_from([0, -1]))
def test_canonical_ton_address_is_its_own_canonical_form(account: bytes, workchain: int) -> None:
    canonical = read("ton_address", f"{workchain}:{account.hex()}").value
    assert canonical == ton(account=account, workchain=workchain)
    assert read("ton_address", canonical).value == canonical


@pytest.mark.parametrize(
    "text",
    [
        ton()[:-1] + "!",
        ton()[:30],
        ton() + "A",
        ton(tag=0xD1),
        ton(tag=0x91),
        ton(tag=0x31),
        ton(workchain=1),
        ton(crc_off_by=1),
        ton(account=bytes(32)),
        f"0:{'0' * 64}",
        f"1:{ACCOUNT.hex()}",
        f"0:{ACCOUNT.hex()[:-1]}",
        ton(account=b"\xff" * 32, alphabet=b"+/").replace("/", "_", 1),
        f"{ton()}\n",
        "",
    ],
)
def test_bad_ton_addresses_are_refused_on_mainnet(text: str) -> None:
    with pytest.raises(DestinationInvalid):
        read("ton_address", text)


def test_testnet_takes_its_own_addresses() -> None:
    assert read("ton_address", ton(tag=0x91), network="testnet").value == ton(tag=0xD1)


@pytest.mark.parametrize("position", range(48))
def test_any_mistyped_character_of_a_ton_address_is_noticed(position: int) -> None:
    good = ton()
    other = "B" if good[position] == "A" else "A"
    with pytest.raises(DestinationInvalid):
        read("ton_address", good[:position] + other + good[position + 1 :])


def test_memo_is_kept_trimmed() -> None:
    assert read("exchange_address", ton(), memo=" 4711 ").memo == "4711"
    assert read("iban", "DE89370400440532013000", memo="Łukasz Example").memo == "Łukasz Example"


def test_same_account_under_another_tag_is_another_destination() -> None:
    assert read("exchange_address", ton(), memo="1") != read("exchange_address", ton(), memo="2")


@pytest.mark.parametrize(
    ("parser", "text", "memo"), [("exchange_address", ton(), "1\n2"), ("note", "seat 5", "a\x1fb")]
)
def test_memo_with_control_characters_is_refused(parser: str, text: str, memo: str) -> None:
    with pytest.raises(DestinationInvalid) as caught:
        read(parser, text, memo=memo)
    assert caught.value.field == "memo"


def test_unknown_parser_is_a_configuration_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigInvalid, match="telegram_user"):
        read("pigeon", "coop 5")
    assert set(PARSERS) == {"email", "ton_address", "telegram_user", "iban", "exchange_address", "ed25519_key", "note"}


@pytest.mark.promise("G6")
def test_repr_shows_neither_value_nor_memo() -> None:
    shown = repr(Destination(kind="iban", value="DE89370400440532013000", memo="Łukasz Example"))
    assert shown == "Destination(kind='iban')"


@pytest.mark.promise("G6")
@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("player@example.com", "p***@example.com"),
        ("DE89370400440532013000", "DE89***3000"),
        ("123456789", "***6789"),
        ("1234567", "***"),
        ("hand over to Anna at seat 5", "***"),
        ("write to anna@example.com", "***"),
    ],
)
def test_masked_value_tells_its_owner_enough_and_others_too_little(value: str, masked: str) -> None:
    assert Destination(kind="somewhere", value=value).masked() == masked
