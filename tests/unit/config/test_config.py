"""The configuration file: what it yields, and how it says what is wrong."""

from pathlib import Path

import pytest

from rewardrails.config import Config, Environment
from rewardrails.errors import ConfigInvalid
from rewardrails.secrets import Secret

DATA = Path(__file__).parents[2] / "data"
ENV = {"FAKE_TOKEN": "token-canary", "FAKE_WEBHOOK_SECRET": "whsec_canary"}
GOOD = (DATA / "season-7.rewardrails.toml").read_text(encoding="utf-8")


def test_the_season_configuration_routes_each_kind():
    config = Config.load(DATA / "season-7.rewardrails.toml", ENV)

    assert config.environment is Environment.TEST
    assert config.route("season-7", "DE", "manual_note", "USD") == "manual"
    assert config.route("season-7", "DE", "iban", "EUR") == "fake"
    assert config.route("season-7", "DE", "carrier_pigeon", "EUR") is None
    assert config.providers["fake"].credentials["api_token"] == Secret("token-canary")
    assert config.providers["fake"].fees.ceiling(1001, "EUR") == 6


def test_without_a_file_nothing_can_be_sent():
    config = Config.default({})
    assert config.providers == {}
    assert any("nothing can be sent" in line for line in config.describe_switches())


def test_a_provider_is_off_until_switched_on():
    config = Config.parse(GOOD.replace("enabled = true", ""), {})
    assert not any(provider.enabled for provider in config.providers.values())
    assert sum("off" in line for line in config.describe_switches()) == 2


def test_no_secret_shows_in_any_text_of_the_configuration():
    config = Config.parse(GOOD, ENV)
    assert "canary" not in repr(config) + str(config) + "".join(config.describe_switches())


def test_the_database_address_of_the_environment_wins():
    config = Config.parse(GOOD, ENV | {"DATABASE_URL": "postgresql://x/y"})
    assert config.database.url == Secret("postgresql://x/y")


def test_routes_are_taken_in_order_and_may_ask_for_campaign_and_jurisdiction():
    text = GOOD.replace(
        "[[routes]]",
        '[[routes]]\ndestination_kind = "iban"\njurisdictions = ["PL"]\nprovider = "manual"\n[[routes]]',
        1,
    )
    config = Config.parse(text, ENV)
    assert config.route("season-7", "PL", "iban", "EUR") == "manual"
    assert config.route("season-7", "DE", "iban", "EUR") == "fake"


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("change", "line_holds", "words"),
    [
        (('adapter = "fake"', 'adaptor = "fake"'), "adaptor", "did you mean 'adapter'"),
        (("enabled = true", 'enabled = "perhaps"'), "perhaps", "boolean"),
        (("exponent = 9", "exponent = 99"), "exponent = 99", "less than or equal to 30"),
        (('USD = "season-7-usd"', 'USD = "season-7-usb"'), "season-7-usb", "did you mean 'season-7-usd'"),
        (('USD = "season-7-usd"', 'USD = "season-7-eur"'), 'USD = "season-7-eur"', "holds EUR, not USD"),
        (('provider = "manual"', 'provider = "manuel"'), "manuel", "did you mean 'manual'"),
        (('destination_kind = "iban"', 'destination_kind = "ibam"'), "ibam", "did you mean 'iban'"),
        (('parser = "note"', 'parser = "notes"'), "notes", "did you mean 'note'"),
        (('"env:FAKE_TOKEN"', '"hunter2-in-plain-text"'), "api_token", "does not stand in this file"),
        (('"env:FAKE_TOKEN"', '"env:NOT_SET"'), "NOT_SET", "not set or empty"),
        (('"env:FAKE_TOKEN"', '"file:/nowhere/at/all"'), "/nowhere", "cannot be read"),
        (
            ("season-7-usd = { asset", 'season-7-points = { asset = "SEASON_POINTS" }\nseason-7-usd = { asset'),
            "season-7-points",
            "not redeemable",
        ),
        (('type = "manual"', 'type = "barter"'), "barter", "input should be"),
        (("basis_points = 50", "basis_points = -1"), "basis_points", "greater than or equal to 0"),
        (('jurisdictions = ["DE"', 'jurisdictions = ["de"'), 'jurisdictions = ["de"', "pattern"),
        (
            ("[providers.manual]", '[providers.manual]\nenvironment = "live"'),
            'environment = "live"',
            "cannot be enabled",
        ),
    ],
)
def test_an_error_names_the_line_and_says_what_to_do(change, line_holds, words):
    text = GOOD.replace(*change, 1)
    assert text != GOOD
    with pytest.raises(ConfigInvalid) as caught:
        Config.parse(text, ENV, source="rewardrails.toml")
    assert f"rewardrails.toml:{line_with(text, line_holds)}:" in str(caught.value)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_every_problem_is_told_at_once():
    text = GOOD.replace("exponent = 9", "exponent = 99").replace('adapter = "fake"', 'adaptor = "fake"')
    with pytest.raises(ConfigInvalid) as caught:
        Config.parse(text, ENV)
    assert "exponent" in str(caught.value)
    assert "adaptor" in str(caught.value)


def test_text_that_is_not_toml_names_its_line():
    with pytest.raises(ConfigInvalid, match=r"rewardrails\.toml:2: is not TOML"):
        Config.parse('environment = "test"\n[[[', {})


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        Config.load(tmp_path / "none.toml", {})


def test_secrets_come_from_files_too(tmp_path):
    (tmp_path / "token").write_text("from-a-file\n", encoding="utf-8")
    config = Config.parse(GOOD.replace('"env:FAKE_TOKEN"', f'"file:{tmp_path}/token"'), ENV)
    assert config.providers["fake"].credentials["api_token"] == Secret("from-a-file")
