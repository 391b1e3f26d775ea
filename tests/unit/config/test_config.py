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
    assert config.route("season-7", "DE", "manual_note", "USD", 100) == "manual"
    assert config.route("season-7", "DE", "iban", "EUR", 100) == "fake"
    assert config.route("season-7", "DE", "carrier_pigeon", "EUR", 100) is None
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


@pytest.mark.promise("G6")
@pytest.mark.incident("I25")
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
    assert config.route("season-7", "PL", "iban", "EUR", 100) == "manual"
    assert config.route("season-7", "DE", "iban", "EUR", 100) == "fake"


BOUNDED = '[[routes]]\ndestination_kind = "iban"\nasset = "EUR"\n{}\nprovider = "manual"\n[[routes]]'


@pytest.mark.parametrize(
    ("amount_minor", "provider"), [(999, "fake"), (1000, "manual"), (5000, "manual"), (5001, "fake")]
)
def test_a_route_takes_the_amounts_within_its_bounds_and_the_bounds_themselves(amount_minor: int, provider: str):
    bounds = 'min_amount = "10.00"\nmax_amount = "50.00"'
    config = Config.parse(GOOD.replace("[[routes]]", BOUNDED.format(bounds), 1), ENV)
    assert config.route("season-7", "DE", "iban", "EUR", amount_minor) == provider


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (BOUNDED.format('max_amount = "50.00"').replace('asset = "EUR"', ""), "needs an asset"),
        (BOUNDED.format('min_amount = "9"\nmax_amount = "8.99"'), "no payout can take this route"),
        (BOUNDED.format('min_amount = "9.001"'), "more than the 2 decimals"),
    ],
)
def test_bounds_of_a_route_that_mean_nothing_are_told(route: str, said: str):
    with pytest.raises(ConfigInvalid, match=said):
        Config.parse(GOOD.replace("[[routes]]", route, 1), ENV)


def test_a_route_behind_a_bounded_one_is_reached_and_behind_a_wider_one_is_not():
    narrow, wide = BOUNDED.format('max_amount = "5"'), BOUNDED.format('max_amount = "50"')
    Config.parse(GOOD.replace("[[routes]]", wide, 1).replace("[[routes]]", narrow, 1), ENV)
    with pytest.raises(ConfigInvalid, match="never reached"):
        Config.parse(GOOD.replace("[[routes]]", narrow, 1).replace("[[routes]]", wide, 1), ENV)


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("change", "line_holds", "words"),
    [
        (('adapter = "fake"', 'adaptor = "fake"'), "adaptor", "did you mean 'adapter'"),
        (("enabled = true", 'enabled = "perhaps"'), "perhaps", "must be true or false"),
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
        (('jurisdictions = ["DE"', 'jurisdictions = ["de"'), 'jurisdictions = ["de"', 'such as "DE"'),
        (("enabled = true", 'enabled = "true"'), 'enabled = "true"', "must be true or false"),
        (("enabled = true", "enabled = 1"), "enabled = 1", "must be true or false"),
        (("enabled = true", "enabled = true\nrate_per_second = inf"), "rate_per_second", "finite"),
        (("exponent = 9", 'exponent = "9"'), 'exponent = "9"', "whole number"),
        (
            ("season-7-usd = { asset", 'season-7-a = { asset = "USD", max_payout = "0" }\nseason-7-usd = { asset'),
            "season-7-a",
            "more than zero",
        ),
        (
            ("season-7-usd = { asset", 'season-7-a = { asset = "USD", max_payout = 5 }\nseason-7-usd = { asset'),
            "season-7-a",
            "in quotes",
        ),
        (("basis_points = 50", 'fixed = { USD = "0.001" }'), "fixed", "2 decimals"),
        (("basis_points = 50", 'fixed = { USB = "0.01" }'), "fixed", "did you mean 'USD'"),
        (
            ('provider = "manual"', 'asset = "SEASON_POINTS"\nprovider = "manual"'),
            '"SEASON_POINTS"',
            "cannot carry SEASON",
        ),
        (('provider = "manual"', 'jurisdictions = ["US"]\nprovider = "manual"'), '["US"]', "pays out in US"),
        (("[providers.fake]", "[provider.x]\n[providers.fake]"), "[provider.x]", "did you mean 'providers'"),
        (("[providers.fake]", '[providers."a b"]\n[providers.fake]'), '"a b"', "is not a name"),
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


def test_a_route_that_is_never_reached_is_refused():
    narrow = '[[routes]]\ndestination_kind = "iban"\njurisdictions = ["PL"]\nprovider = "manual"\n'
    assert Config.parse(GOOD.replace("[[routes]]", narrow + "[[routes]]", 1), ENV)
    with pytest.raises(ConfigInvalid, match=r"routes\.7: is never reached: route 5 takes all of it"):
        Config.parse(GOOD + "\n" + narrow, ENV)


@pytest.mark.promise("G6")
@pytest.mark.incident("I25")
def test_a_plain_secret_is_refused_wherever_it_stands_and_never_shown():
    text = GOOD.replace("enabled = true", "enabled = false").replace("env:FAKE_TOKEN", "hunter2-in-plain-text")
    text += '[database]\nurl = "postgresql://me:hunter2@host/db"\n[security]\nmaster_key = "hunter2"\n'
    text += '[[events.endpoints]]\nname = "game"\nurl = "https://game.example"\nsecret = "hunter2"\n'
    with pytest.raises(ConfigInvalid) as caught:
        Config.parse(text, {})
    assert str(caught.value).count("does not stand in this file") == 4
    assert "hunter2" not in str(caught.value) + repr(caught.value)


@pytest.mark.promise("G6")
def test_a_value_of_the_wrong_type_is_not_shown_either():
    with pytest.raises(ConfigInvalid) as caught:
        Config.parse(GOOD + '[security]\nmaster_key = ["hunter2"]\n', ENV)
    assert "master_key: must be a text in quotes" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.promise("G7")
@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("http://game.example", ""),
        ("ftp://game.example", "allow_private = true"),
        ("https://user:pass@game.example", ""),
        ("https://", ""),
        ("https://[::1", ""),
        ("game.example", ""),
    ],
)
def test_events_go_to_safe_addresses_only(url, more):
    text = f'environment = "test"\n[[events.endpoints]]\nname = "a"\nurl = "{url}"\nsecret = "env:S"\n{more}\n'
    with pytest.raises(
        ConfigInvalid, match=r"rewardrails\.toml:4: events\.endpoints\.0\.url: must be an https address"
    ):
        Config.parse(text, {"S": "whsec_s"})


def test_an_endpoint_in_the_own_network_may_be_plain_http():
    text = 'environment = "test"\n[[events.endpoints]]\nname = "a"\nurl = "http://game:8000/hook"\nsecret = "env:S"\n'
    (endpoint,) = Config.parse(f"{text}allow_private = true", {"S": "whsec_s"}).events.endpoints
    assert endpoint.url == "http://game:8000/hook"


@pytest.mark.promise("G7")
@pytest.mark.parametrize("environment", ["test", "sandbox", "live"])
@pytest.mark.parametrize("money", ["sandbox", "live"])
def test_live_money_and_a_live_environment_go_together(environment, money):
    text = (
        f'environment = "{environment}"\n[providers.x]\ntype = "manual"\nadapter = "manual"\nenvironment = "{money}"\n'
    )
    assert Config.parse(text, {}).providers["x"].enabled is False
    text += "enabled = true\n"
    if (environment == "live") == (money == "live"):
        switches = Config.parse(text, {}).describe_switches()
        assert any(line.startswith("ON  x") and ("LIVE MONEY" in line) == (money == "live") for line in switches)
    else:
        with pytest.raises(ConfigInvalid, match=f"a {money} provider cannot be enabled in a {environment} environment"):
            Config.parse(text, {})


def test_live_money_does_not_go_to_testnet_addresses():
    with pytest.raises(ConfigInvalid, match=r"rewardrails\.toml:2: network: .* mainnet"):
        Config.parse('environment = "live"\nnetwork = "testnet"\n', {})


def test_a_file_of_nothing_but_the_environment_has_the_defaults_of_the_model():
    assert Config.parse('environment = "test"', {}) == Config(environment=Environment.TEST)


def test_the_environment_must_be_said():
    with pytest.raises(ConfigInvalid, match=r"^rewardrails\.toml: environment: is missing$"):
        Config.parse("", {})


def test_row_rules_are_made_once():
    config = Config.parse(GOOD, ENV)
    assert config.row_rules() is config.row_rules()
    assert config.row_rules().campaigns == {"season-7": frozenset({"DE", "PL", "BR", "IN", "TR"})}


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


def test_relative_secret_files_lie_beside_the_configuration(tmp_path, monkeypatch):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "token").write_text("beside", encoding="utf-8")
    path = tmp_path / "conf" / "rewardrails.toml"
    path.write_text(GOOD.replace("env:FAKE_TOKEN", "file:token"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    config = Config.load(path, ENV)

    assert config.providers["fake"].credentials["api_token"] == Secret("beside")


@pytest.mark.promise("G4")
@pytest.mark.incident("I22")
@pytest.mark.parametrize(("content", "words"), [(b" \n", "is empty"), (b"\xff", "cannot be read (UnicodeDecodeError)")])
def test_a_secret_file_without_a_secret_is_refused(tmp_path, content, words):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigInvalid) as caught:
        Config.parse(GOOD.replace("env:FAKE_TOKEN", f"file:{tmp_path}/token"), ENV)
    assert words in str(caught.value)
