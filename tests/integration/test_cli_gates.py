"""The gates at the command line: what people see, what they must say, and what a second person must do."""

import io
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from tests.support.command_line import CONFIG, CommandLine

HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"
GATES = """
[[limits]]
name = "player-day"
per = "player"
hours = 24
asset = "EUR"
max_amount = "30.00"

[[limits]]
name = "worth"
per = "payout"
max_amount = "1000.00"

[[approvals]]
name = "large"
needs = 2
asset = "EUR"
above = "20.00"

[risk]
hold_from = 70
"""
GATED = CONFIG.replace('"note", assets = ["EUR"]', '"note", assets = ["EUR"], rules = { screened = true }') + GATES
MISSING = "01930000-0000-7000-8000-000000000000"


@pytest.fixture
def plain(tmp_path, database_dsn):
    return CommandLine(tmp_path, database_dsn)


@pytest.fixture
def rr(tmp_path, database_dsn):
    """Every gate set up, and every fact there that lets payouts through."""
    made = CommandLine(tmp_path, database_dsn, GATED)
    made("pools", "fund", "season-eur", "500.00", "--source", "manual_test")
    load(made, "nobody@example.org")
    made("rates", "set", "EUR=1", "--source", "treasury")
    return made


def today():
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def load(rr, *entries, dated=None, kind="sanctions"):
    (rr.folder / "list.txt").write_text("# made for a test\n" + "".join(f"{entry}\n" for entry in entries))
    return rr(
        "lists", "load", "list.txt", "--name", "sdn", "--kind", kind, "--source", "x", "--dated", dated or today()
    )


def pay(rr, number, amount, player="p1", note="hand over"):
    reward = ["--campaign", "season", "--reward-id", f"r{number}", "--player-id", player, "--amount", amount]
    where = ["--jurisdiction", "DE", "--destination-kind", "manual_note", "--destination", note]
    return rr("--json", "payouts", "create", *reward, "--asset", "EUR", *where).json


def season(rr, amounts):
    rows = [f"s{n},p{n},season,{amount},EUR,DE,manual_note,hand over {n}," for n, amount in enumerate(amounts)]
    (rr.folder / "season.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    batch = rr("--json", "season", "stage", "season.csv").json["id"]
    with rr.running("worker"):
        rr("season", "start", batch, "--wait")
    return batch


def key(rr, name, *scopes):
    return rr("--json", "keys", "create", name, *(word for scope in scopes for word in ("--scope", scope))).json["key"]


def state(rr, payout_id):
    return rr("--json", "payouts", "show", payout_id).json["state"]


# The legal register ---------------------------------------------------------------------------------------------------


def record(rr, *more, as_key=None, **change):
    (rr.folder / "opinion.pdf").write_bytes(b"counsel says yes")
    wanted = {
        "type": "fiat_provider",
        "adapter": "fake",
        "asset": "EUR",
        "jurisdiction": "DE",
        "campaign": "*",
        "until": "2099-01-01",
        "document": "opinion.pdf",
        "reference": "vault/opinion.pdf",
    } | change
    options = [word for name, value in wanted.items() for word in (f"--{name}", value)]
    return rr("--json", "legal", "record", *options, *more, *(["--as", as_key] if as_key else []))


@pytest.mark.promise("G7")
def test_a_legal_approval_takes_two_people_and_ends_by_one(plain):
    ann, ben = key(plain, "ann", "comply"), key(plain, "ben", "comply")
    recorded = record(plain, "--max-total", "100.00", as_key=ann).json
    assert recorded["document_sha256"] == sha256(b"counsel says yes").hexdigest()
    assert recorded["max_total"]["amount"] == "100.00"

    alone = plain("legal", "confirm", recorded["id"], "--as", ann)
    assert (alone.code, "second person" in alone.err) == (1, True)
    assert "to be confirmed" in plain("legal", "list").out
    assert f"legal confirm {recorded['id']}" in plain("doctor").out
    confirmed = plain("legal", "confirm", recorded["id"], "--as", ben)
    assert (confirmed.code, recorded["document_sha256"] in confirmed.out) == (0, True)
    assert "in force" in plain("legal", "list").out

    assert plain("legal", "revoke", recorded["id"], "--reason", "the licence lapsed").code == 0
    (listed,) = plain("--json", "legal", "list").json
    assert listed["revoke_reason"] == "the licence lapsed"
    assert "revoked" in plain("legal", "list").out


def test_nothing_is_confirmed_with_another_document_than_was_recorded(plain):
    ann, ben = key(plain, "ann", "comply"), key(plain, "ben", "comply")
    recorded = record(plain, as_key=ann).json
    (plain.folder / "other.pdf").write_bytes(b"counsel says no")
    assert recorded["document_sha256"] in plain("legal", "show", recorded["id"]).out

    other = plain("legal", "confirm", recorded["id"], "--document", "other.pdf", "--as", ben)
    assert (other.code, "not the document that was recorded" in other.err) == (1, True)
    assert plain("--json", "legal", "show", recorded["id"]).json["confirmed_by"] is None

    assert plain("legal", "confirm", recorded["id"], "--document", "opinion.pdf", "--as", ben).code == 0
    assert "[not_found]" in plain("legal", "show", MISSING).err


def test_recording_and_confirming_need_a_key_that_says_who_it_is(plain):
    for answer in (record(plain), plain("legal", "confirm", MISSING)):
        assert (answer.code, "[unauthorized]" in answer.err) == (1, True)
        assert "the scope 'comply'" in answer.err
    reader = key(plain, "reader", "read")
    assert "[forbidden]" in record(plain, as_key=reader).err


def test_an_approval_that_says_something_impossible_is_refused_in_words(plain):
    ann = key(plain, "ann", "comply")
    assert "jurisdictions[0]" in record(plain, as_key=ann, jurisdiction="germany").err
    assert "'GBP' is not configured" in record(plain, as_key=ann, asset="GBP").err
    assert "ends before it begins" in record(plain, as_key=ann, until="2001-01-01").err
    gone = record(plain, as_key=ann, document="nowhere.pdf")
    assert (gone.code, "nowhere.pdf" in gone.err) == (1, True)
    assert record(plain, as_key=ann, until="soon").code == 2
    assert plain("--json", "legal", "list").json == []


def test_the_doctor_names_a_legal_approval_that_ends_soon(plain):
    ann, ben = key(plain, "ann", "comply"), key(plain, "ben", "comply")
    soon, later = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}" for days in (10, 20))
    ids = [record(plain, as_key=ann, until=until).json["id"] for until in (soon, later)]
    for one in ids:
        plain("legal", "confirm", one, "--as", ben)

    found = [one["about"] for one in plain("--json", "doctor").json]

    assert f"legal approval {ids[0]}" in found
    assert f"legal approval {ids[1]}" not in found


# Players --------------------------------------------------------------------------------------------------------------


def test_a_check_is_told_by_options_or_many_by_file(plain):
    one = ["--player", "p1", "--kind", "kyc", "--result", "passed", "--reference", "kyc-1", "--expires", "2099-01-01"]
    assert plain("--json", "players", "check", *one).json == {"reports": 1}
    (plain.folder / "checks.csv").write_text(
        "player_id,kind,result,reference,expires_at,age\n"
        "p1,kyc,passed,k-1,2099-01-01,\n"
        "p2,age,passed,a-2,2099-01-01T12:00:00+02:00,21\n"
    )
    assert plain("--json", "players", "check", "--file", "checks.csv").json == {"reports": 2}


def test_a_file_with_a_wrong_line_is_not_taken_at_all_and_names_every_one(rr):
    held = pay(rr, 1, "10.00")
    assert held["state"] == "ready"
    (rr.folder / "risks.csv").write_text(
        "player_id,score,reasons,expires_at\n"
        "p1,90,many accounts; new device,2099-01-01\n"
        "p2,high,,2099-01-01\n"
        ",5,,2099-01-01\n"
        "p4,5,,tomorrow\n"
    )

    answer = rr("players", "risk", "--file", "risks.csv")

    assert answer.code == 1
    assert [f"line {number}:" in answer.err for number in (2, 3, 4, 5)] == [False, True, True, True]
    assert "nothing was taken" in answer.err
    assert "score: none" in rr("payouts", "explain", held["payout_id"]).out


def test_a_command_that_says_too_little_or_too_much_says_what_is_missing(plain):
    little = plain("players", "check", "--player", "p1", "--kind", "age")
    assert (little.code, "missing: --result, --reference, --expires" in little.err) == (1, True)
    both = plain("players", "risk", "--file", "x.csv", "--player", "p1")
    assert (both.code, "leave out --player" in both.err) == (1, True)
    (plain.folder / "empty.csv").write_text("player,score\n")
    header = plain("players", "risk", "--file", "empty.csv")
    assert "the header lacks player_id, expires_at" in header.err
    age = ["--kind", "age", "--result", "passed", "--reference", "a", "--expires", "2099-01-01"]
    assert "which age it proves" in plain("players", "check", "--player", "p1", *age).err


# Lists and rates ------------------------------------------------------------------------------------------------------


def test_a_list_is_loaded_shown_and_stops_what_is_on_it(rr):
    listed = pay(rr, 1, "10.00", note="the listed place")
    assert listed["state"] == "ready"
    assert load(rr, "the listed place").code == 0
    (shown,) = rr("--json", "lists", "show").json
    assert (shown["name"], shown["kind"], shown["entries"]) == ("sdn", "sanctions", 1)

    other = pay(rr, 2, "10.00", note="the listed place")

    told = rr("payouts", "explain", other["payout_id"])
    assert "the destination is on sdn" in told.out
    assert "sdn" not in told.out.rpartition("a player may be told:")[2]
    refused = rr("payouts", "release", other["payout_id"], "--reason", "we know them")
    assert (refused.code, "still held" in refused.err) == (1, True)


def test_a_list_without_a_date_or_older_than_the_one_in_force_is_refused(rr):
    (rr.folder / "plain.txt").write_text("a@example.org\n")
    options = ["--name", "other", "--kind", "deny", "--source", "x"]
    undated = rr("lists", "load", "plain.txt", *options)
    assert (undated.code, "does not say its date" in undated.err) == (1, True)
    older = load(rr, "b@example.org", dated="2020-01-01")
    assert (older.code, "load a newer one" in older.err) == (1, True)
    assert [one["name"] for one in rr("--json", "lists", "show").json] == ["sdn"]


def test_a_sanctions_list_that_is_missing_or_too_old_is_told_wherever_one_looks(tmp_path, database_dsn):
    rr = CommandLine(tmp_path, database_dsn, GATED)
    assert "no sanctions list is loaded" in rr("lists", "show").out
    assert "no sanctions list is loaded" in rr("doctor").out

    load(rr, "a@example.org", dated="2020-01-01")

    assert "TOO OLD" in rr("lists", "show").out
    doctor = rr("doctor")
    assert (doctor.code, "sdn of 2020-01-01 is too old" in doctor.out) == (1, True)


def test_rates_are_set_and_an_older_one_never_replaces_a_newer(rr):
    (rate,) = rr("--json", "rates", "show").json["rates"]
    assert (rate["asset"], rate["value"], rate["source"]) == ("EUR", "1", "treasury")
    older = rr("rates", "set", "EUR=2", "--source", "x", "--dated", "2020-01-01")
    assert "kept as it was, because it is newer: EUR" in older.out
    assert rr("--json", "rates", "show").json["rates"][0]["value"] == "1"
    wrong = rr("rates", "set", "EUR", "--source", "x")
    assert (wrong.code, "ASSET=RATE" in wrong.err) == (1, True)


def test_a_missing_rate_is_told_wherever_one_looks(tmp_path, database_dsn):
    rr = CommandLine(tmp_path, database_dsn, GATED)
    assert "no fresh rate" in rr("rates", "show").out
    assert "rewardrails rates set" in rr("doctor").out


# Holds, explained and released ----------------------------------------------------------------------------------------


def test_what_holds_a_payout_is_shown_explained_and_overruled_with_a_reason(rr):
    first, second = pay(rr, 1, "20.00"), pay(rr, 2, "15.00")
    assert (first["state"], second["state"]) == ("ready", "held")
    shown = rr("payouts", "show", second["payout_id"]).out
    assert "limit 'player-day' would be exceeded" in shown
    assert f"payouts explain {second['payout_id']}" in shown
    explained = rr("payouts", "explain", second["payout_id"]).out
    lines = {line.split()[1]: line.split()[0] for line in explained.splitlines() if line[:1] in ("✓", "…", "✗")}
    assert len(lines) == 12
    assert [gate for gate, mark in lines.items() if mark != "✓"] == ["limits"]

    refused = rr("payouts", "release", second["payout_id"])
    assert (refused.code, "give a reason" in refused.err) == (1, True)
    overruling = ["--overrule", "limits", "--reason", "a winner of the finals"]
    own = rr("payouts", "release", second["payout_id"], *overruling)
    assert (own.code, "had a hand in" in own.err) == (1, True)
    released = rr(
        "--json", "payouts", "release", second["payout_id"], *overruling, "--as", key(rr, "ann", "release", "read")
    )

    assert released.json["state"] == "ready"
    after = rr("--json", "payouts", "explain", second["payout_id"]).json
    assert [(one["gate"], one["reason"]) for one in after["holds"]] == [("limits", "a winner of the finals")]


def test_the_doctor_names_overdue_holds_and_whose_turn_it_is(tmp_path, database_dsn):
    rr = CommandLine(tmp_path, database_dsn, CONFIG + "[holds]\ndeadline_hours = 0.000001\n")
    rr("pools", "fund", "season-eur", "50.00", "--source", "manual_test")
    made = pay(rr, 1, "10.00")
    rr("payouts", "hold", made["payout_id"], "--cause", "look at this")

    doctor = rr("doctor")

    assert doctor.code == 1
    assert "1 of 1 overdue" in doctor.out
    assert f"operator: rewardrails payouts explain {made['payout_id']}" in doctor.out
    assert "OVERDUE since" in rr("payouts", "explain", made["payout_id"]).out
    (held,) = rr("--json", "payouts", "holds", "--overdue").json
    assert (held["payout_id"], held["why"]) == (made["payout_id"], "look at this")


def test_explaining_a_payout_that_is_not_there_is_refused(plain):
    answer = plain("payouts", "explain", MISSING)
    assert (answer.code, "[not_found]" in answer.err) == (1, True)


# Approval by people ---------------------------------------------------------------------------------------------------


@pytest.mark.promise("G7")
def test_a_large_payout_waits_for_two_keys_and_never_for_one_twice(rr):
    ann, ben = key(rr, "ann", "approve"), key(rr, "ben", "approve")
    large = pay(rr, 1, "25.00")
    assert large["state"] == "awaiting_approval"
    assert "rewardrails approvals waiting" in rr("doctor").out
    assert "[unauthorized]" in rr("approvals", "approve", large["payout_id"]).err

    once = rr("approvals", "approve", large["payout_id"], "--yes", "--as", ann)
    assert "1 wait for another person" in once.out
    rr("approvals", "approve", large["payout_id"], "--yes", "--as", ann)
    assert state(rr, large["payout_id"]) == "awaiting_approval"
    both = rr("approvals", "approve", large["payout_id"], "--yes", "--as", ben)

    assert "approved by everybody who is needed" in both.out
    assert state(rr, large["payout_id"]) == "ready"


@pytest.mark.promise("G7")
def test_nobody_approves_what_they_created(rr):
    cem = key(rr, "cem", "approve", "payouts")
    rr_as_cem = CommandLine(rr.folder, rr._env["DATABASE_URL"], GATED)
    rr_as_cem._env["REWARDRAILS_API_KEY"] = cem
    made = pay(rr_as_cem, 1, "25.00")

    answer = rr("approvals", "approve", made["payout_id"], "--yes", "--as", cem)

    assert (answer.code, "had a hand in" in answer.err) == (1, True)
    assert state(rr, made["payout_id"]) == "awaiting_approval"


def test_a_batch_is_approved_after_its_totals_were_seen_and_a_yes(rr, monkeypatch):
    ann, ben = key(rr, "ann", "approve"), key(rr, "ben", "approve")
    batch = season(rr, ["25.00", "10.00", "26.00"])
    waits = rr("--json", "approvals", "waiting", "--batch", batch).json
    assert [(one["payouts"], one["amount"]) for one in waits["waiting"]] == [(2, "51.00")]
    assert len(waits["payouts"]) == 2

    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    declined = rr("approvals", "approve", "--batch", batch, "--as", ann)
    assert (declined.code, "nothing was approved" in declined.err) == (1, True)
    assert "51.00 EUR" in declined.err
    assert "439.00 EUR" in declined.err
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    agreed = rr("approvals", "approve", "--batch", batch, "--as", ann)
    assert "you approved 2 payouts; 2 of them wait for another person" in agreed.out
    second = rr("--json", "approvals", "approve", "--batch", batch, "--yes", "--as", ben)

    assert second.json == {"approved": 2, "waiting": []}
    assert rr("--json", "payouts", "list", "--state", "awaiting_approval").json == []


def test_nobody_there_to_answer_approves_nothing(rr):
    ann = key(rr, "ann", "approve")
    batch = season(rr, ["25.00"])

    answer = rr.process("approvals", "approve", "--batch", batch, env={"REWARDRAILS_API_KEY": ann})

    assert (answer.code, "give --yes" in answer.err) == (1, True)
    assert rr("--json", "approvals", "waiting").json["waiting"][0]["payouts"] == 1


def test_approving_needs_payouts_or_a_batch_and_not_both(rr):
    ann = key(rr, "ann", "approve")
    for arguments in ([], [MISSING, "--batch", MISSING]):
        answer = rr("approvals", "approve", *arguments, "--as", ann)
        assert (answer.code, "--batch ID" in answer.err) == (1, True)
    assert "nothing of batch" in rr("approvals", "approve", "--batch", MISSING, "--as", ann).out
