"""The command line as people and scripts use it: real processes on a real database."""

import csv
import socket
import stat
import urllib.request

import pytest

from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support.command_line import CONFIG, CommandLine

HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"
NOTE = "hand over at the finals"


@pytest.fixture
def rr(tmp_path, database_dsn):
    return CommandLine(tmp_path, database_dsn)


def season(folder, rows):
    path = folder / "season.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def by_hand(number, memo=""):
    return f"r{number},p{number},season,10.00,EUR,DE,manual_note,{NOTE} {number},{memo}"


def test_a_command_that_does_not_exist_is_a_usage_error(rr):
    answer = rr.process("payout", "list")
    assert (answer.code, answer.out) == (2, "")
    assert "Unknown command" in answer.err


def test_a_wrong_configuration_is_named_by_file_and_line(rr):
    (rr.folder / "rewardrails.toml").write_text('environment = "test"\n[serwer]\nport = 1\n')
    answer = rr("pools", "list")
    assert answer.code == 3
    assert "rewardrails.toml:2" in answer.err
    assert "Traceback" not in answer.err


def test_an_unreachable_database_has_its_own_exit_code(rr):
    answer = rr.process("pools", "list", env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"})
    assert answer.code == 4
    assert "Traceback" not in answer.err


def test_init_writes_a_configuration_that_checks_and_never_overwrites_one(rr):
    (rr.folder / "rewardrails.toml").unlink()
    assert rr("init").code == 0
    assert rr("config", "check").code == 0
    written = (rr.folder / "rewardrails.toml").read_text()
    again = rr("init")
    assert again.code == 1
    assert "exists already" in again.err
    assert (rr.folder / "rewardrails.toml").read_text() == written


def test_looking_at_an_installation_from_a_wrong_folder_makes_none(rr):
    (rr.folder / "rewardrails.toml").unlink()

    answers = [rr(*words.split(), env={"DATABASE_URL": ""}) for words in ("pools list", "doctor", "whoami")]

    assert [answer.code for answer in answers] == [3] * 3
    assert all("go to the folder of your installation" in answer.err for answer in answers)
    assert not (rr.folder / ".rewardrails").exists()


def test_a_port_that_is_taken_is_named(rr):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        answer = rr.process("serve", "--port", port)

    assert answer.code == 1
    assert f"another program listens on 127.0.0.1:{port}" in answer.err


def test_the_doctor_counts_what_waits_for_people(rr):
    rr("pools", "fund", "season-eur", "100.00", "--source", "sponsor")
    quiet = rr("doctor")
    batch = rr("--json", "season", "stage", season(rr.folder, [by_hand(n) for n in range(3)])).json["id"]
    with rr.running("worker"):
        rr("season", "start", batch, "--wait")
    doctor = rr("doctor")

    assert "waiting for people" not in quiet.out
    assert "3 payouts waiting for people" in doctor.out, doctor.out
    assert "rewardrails manual next" in doctor.out


def test_funding_and_withdrawing_answer_in_whole_units_and_refuse_what_was_not_given(rr):
    funded = rr("--json", "pools", "fund", "season-eur", "100.00", "--source", "sponsor", "--reference", "c-1")
    assert (funded.json["amount"], funded.json["source"]) == ("100.00", "sponsor")
    refused = rr("pools", "withdraw", "season-eur", "50.00", "--source", "grant")
    assert refused.code == 1
    assert "[pool_exhausted]" in refused.err
    assert rr("pools", "withdraw", "season-eur", "40.00", "--source", "sponsor").code == 0
    (pool,) = rr("pools", "list", "--json").json
    assert pool["available"] == {"amount": "60.00", "amount_minor": "6000"}
    assert "60.00" in rr("pools", "show", "season-eur").out


def test_entry_fees_are_no_source_of_money(rr):
    assert rr("pools", "fund", "season-eur", "1.00", "--source", "entry_fee").code == 2


def test_a_season_goes_from_file_to_report_by_hand(rr):
    rr("pools", "fund", "season-eur", "35.00", "--source", "manual_test")
    file = season(rr.folder, [by_hand(1), by_hand(2, memo='=HYPERLINK("x")'), by_hand(1), "r9,p,season,-1,EUR,DE,x,y,"])
    staged = rr("--json", "season", "stage", file)
    batch = staged.json["id"]
    verdicts = {(one["verdict"], one["code"]): one["rows"] for one in staged.json["verdicts"]}
    assert verdicts == {("accepted", None): 2, ("replayed", None): 1, ("refused", "amount_invalid"): 1}
    assert rr("--json", "season", "stage", file).json["id"] == batch
    with rr.running("serve"):
        assert rr("season", "start", batch, "--wait").code == 0
        queue = rr("--json", "manual", "next").json
        assert len(queue) == 2
        rr("manual", "export", "queue.csv")
        assert rr("manual", "settle", queue[0]["payout_id"], "--proof", "receipt 1").code == 0
        assert rr("manual", "refuse", queue[1]["payout_id"], "--reason", "not there").code == 0
    report = rr("season", "report", batch, "--csv", "report.csv", "--json")
    assert {one["state"]: one["payouts"] for one in report.json["payouts"]} == {"paid": 1, "failed": 1}
    with (rr.folder / "report.csv").open(newline="") as lines:
        assert [row["verdict"] for row in csv.DictReader(lines)] == ["accepted", "accepted", "replayed", "refused"]
    assert "'=HYPERLINK" in (rr.folder / "queue.csv").read_text()
    assert stat.S_IMODE((rr.folder / "queue.csv").stat().st_mode) == 0o600
    assert rr("ledger", "verify").code == 0
    assert rr("audit", "verify").code == 0


def test_every_line_of_an_imported_file_is_answered(rr):
    rr("pools", "fund", "season-eur", "40.00", "--source", "manual_test")
    batch = rr("--json", "season", "stage", season(rr.folder, [by_hand(n) for n in range(3)])).json["id"]
    with rr.running("serve"):
        rr("season", "start", batch, "--wait")
    first, second, third = (one["payout_id"] for one in rr("--json", "manual", "next").json)
    rr.folder.joinpath("results.csv").write_text(
        "payout_id,result,proof/reason,proof,reason\n"
        f"{first},paid,,receipt 1,\n"
        f"{second},refused,,,not there\n"
        f"{third},,,,\n"
        f"{third},paid,,,\n"
        f"{first},paid,,again,\n"
        "nonsense,paid,,x,\n"
        f"{third},maybe,,x,\n"
    )
    answer = rr("--json", "manual", "import", "results.csv", "--answers", "answers.csv")
    assert answer.code == 1
    assert (answer.json["paid"], answer.json["failed"], answer.json["refused_lines"]) == (1, 1, 4)
    with (rr.folder / "answers.csv").open(newline="") as lines:
        told = [(row["line"], row["state"], row["code"]) for row in csv.DictReader(lines)]
    assert told == [
        ("1", "paid", ""),
        ("2", "failed", ""),
        ("4", "", "proof_required"),
        ("5", "", "field_invalid"),
        ("6", "", "field_invalid"),
        ("7", "", "field_invalid"),
    ]


def test_one_payout_is_created_once_and_can_be_held_and_canceled(rr):
    rr("pools", "fund", "season-eur", "40.00", "--source", "manual_test")
    arguments = ["payouts", "create", "--campaign", "season", "--reward-id", "r1", "--player-id", "p1", "--amount"]
    more = ["--asset", "EUR", "--jurisdiction", "DE", "--destination-kind", "manual_note", "--destination", NOTE]
    made = rr("--json", *arguments, "10.00", *more).json
    assert rr("--json", *arguments, "10.00", *more).json["payout_id"] == made["payout_id"]
    other = rr(*arguments, "11.00", *more)
    assert (other.code, "[idempotency_key_reused]" in other.err) == (1, True)
    assert rr("--json", "payouts", "hold", made["payout_id"], "--cause", "check").json["state"] == "held"
    assert rr("--json", "payouts", "release", made["payout_id"]).json["state"] == "ready"
    assert rr("--json", "payouts", "cancel", made["payout_id"]).json["state"] == "canceled"
    shown = rr("payouts", "show", made["payout_id"]).out
    assert made["payout_id"] in shown
    assert "payout.canceled" in shown
    assert NOTE not in shown


def test_the_doctor_names_payouts_that_wait_for_a_provider_that_is_off(rr):
    rr("pools", "fund", "season-eur", "40.00", "--source", "manual_test")
    file = season(rr.folder, ["r1,p1,season,10.00,EUR,DE,paypal_email,a@example.org,"])
    rr("season", "start", rr("--json", "season", "stage", file).json["id"], "--wait")
    answer = rr("doctor", "--deep")
    assert answer.code == 1
    assert "provider bank" in answer.out
    assert "is off and 1 payouts wait" in answer.out
    assert "a@example.org" not in answer.out


@pytest.mark.promise("G7")
def test_resolving_needs_to_know_who_it_is(rr):
    answer = rr("payouts", "resolve", "01930000-0000-7000-8000-000000000000", "--outcome", "paid", "--evidence", "seen")
    assert answer.code == 1
    assert "[unauthorized]" in answer.err


@pytest.mark.promise("G7")
def test_whoever_gives_a_key_acts_under_it_within_its_scopes(rr):
    made = rr("--json", "keys", "create", "pauser", "--scope", "pause", "--scope", "read").json
    pause = rr("--json", "pause", "set", "everything", "--reason", "drill", "--as", made["key"]).json
    assert pause["created_by"] == f"key:{made['id']}"
    refused = rr("keys", "list", env={"REWARDRAILS_API_KEY": made["key"]})
    assert (refused.code, "[forbidden]" in refused.err) == (1, True)
    assert rr("pause", "lift", pause["id"]).code == 0
    assert rr("--json", "pause", "list").json == []
    assert rr("keys", "revoke", made["id"]).code == 0
    assert rr("pause", "list", "--as", made["key"]).code == 1


def test_the_first_start_keeps_an_admin_key_that_opens_the_api(rr):
    with rr.running("serve") as ready:
        path = rr.folder / ready["admin_key_file"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        request = urllib.request.Request(
            f"{ready['url']}/v1/pools", headers={"Authorization": f"Bearer {path.read_text().strip()}"}
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        assert rr("providers", "list").code == 0
    with rr.running("serve") as ready:
        assert ready["admin_key_file"] is None


def test_any_number_of_workers_run_beside_each_other(rr):
    with rr.running("worker") as one, rr.running("worker") as other:
        assert one["worker"] != other["worker"]


def test_a_provider_is_checked_without_moving_anything(tmp_path, database_dsn):
    rail = FakeProviderProcess(tmp_path / "bank", arguments=["--assets", "EUR=2"])
    rail.launch()
    try:
        rr = CommandLine(tmp_path, database_dsn, with_bank(rail))
        ready = rr("providers", "check", "bank")
        by_hand = rr("providers", "check", "by-hand")
        nobody = rr("providers", "check", "nobody")
    finally:
        rail.end()
    gone = rr("providers", "check", "bank")

    assert (ready.code, "ready to pay" in ready.out, "known there" in ready.out) == (0, True, True), ready.out
    assert (by_hand.code, "has nothing that can be asked" in by_hand.out) == (0, True)
    assert (nobody.code, "[not_found]" in nobody.err) == (1, True)
    assert (gone.code, "did not answer" in gone.out, "1 thing to do" in gone.out) == (1, True, True)


def with_bank(rail, more=""):
    """The configuration with its fake provider switched on."""
    text = CONFIG.replace('adapter = "fake"\n', 'adapter = "fake"\nenabled = true\ncall_timeout_seconds = 1.0\n')
    for name in ("token", "webhook-secret"):
        text = text.replace("env:NOT_SET", f"file:{rail.folder / name}", 1)
    return text.replace('"http://127.0.0.1:9" }', f'"{rail.url}"{more} }}')


@pytest.mark.promise("G7")
def test_an_unknown_outcome_takes_two_people_with_keys_of_their_own(tmp_path, database_dsn):
    rail = FakeProviderProcess(tmp_path / "bank", arguments=["--mix", "lose_reply=1"])
    rail.launch()
    try:
        rr = CommandLine(tmp_path, database_dsn, with_bank(rail, ', lookup = "none"'))
        rr("pools", "fund", "season-eur", "40.00", "--source", "manual_test")
        batch = rr(
            "--json", "season", "stage", season(tmp_path, ["r1,p1,season,10.00,EUR,DE,paypal_email,a@example.org,"])
        )
        with rr.running("serve"):
            rr("season", "start", batch.json["id"], "--wait", "--timeout-seconds", "4")
    finally:
        rail.end()
    (payout,) = rr("--json", "payouts", "list", "--state", "outcome_unknown").json
    doctor = rr("doctor")
    assert doctor.code == 1
    assert f"payouts resolve {payout['id']}" in doctor.out
    first, second = (rr("--json", "keys", "create", name, "--scope", "resolve").json["key"] for name in ("one", "two"))
    resolve = ["payouts", "resolve", payout["id"], "--outcome", "paid", "--evidence", "in their statement of the 3rd"]
    assert rr("--json", *resolve, env={"REWARDRAILS_API_KEY": first}).json["confirmed_by"] is None
    alone = rr(*resolve, "--as", first)
    assert (alone.code, "[forbidden]" in alone.err) == (1, True)
    assert rr("--json", *resolve, "--as", second).json["state"] == "paid"
    assert rr("ledger", "verify").code == 0
