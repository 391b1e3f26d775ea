"""The command line under a person's own name: from the first operator on, whatever changes something has one."""

import json
import os
import pwd
import stat
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.people import PASSWORD, Person, authenticator

pytestmark = [pytest.mark.promise("G7")]
PAYOUT = (
    *("--campaign", "season", "--reward-id", "r-1", "--player-id", "player:1", "--amount", "1", "--asset", "EUR"),
    *("--jurisdiction", "DE", "--destination-kind", "manual_note", "--destination", "the front desk"),
)


@pytest.fixture
def line(tmp_path: Path, database_dsn: str) -> CommandLine:
    return CommandLine(tmp_path, database_dsn)


def added(line: CommandLine, name: str, *roles: str, **options) -> Person:
    words = [word for role in roles for word in ("--role", role)]
    answer = line("--json", "operators", "add", name, *words, typed=f"{PASSWORD}\n", **options)
    assert answer.code == 0, answer.err
    return Person(name=name, id=answer.json["id"], authenticator=authenticator(answer.json["totp"]))


def sign_in(line: CommandLine, who: Person, steps_away: int = 0):
    return line("--json", "sign-in", who.name, typed=f"{PASSWORD}\n{who.code(steps_away)}\n")


def test_before_anybody_is_added_everything_works_as_this_system_user(line: CommandLine) -> None:
    assert line("pools", "fund", "season-eur", "5", "--source", "sponsor").code == 0
    assert "nobody is signed in" in line("whoami").out


def test_from_the_first_person_on_a_change_needs_a_name_and_a_masked_look_none(line: CommandLine) -> None:
    added(line, "root", "admin")

    looked = line("pools", "list")
    changed = line("pools", "fund", "season-eur", "5", "--source", "sponsor")
    shown = line("manual", "next")

    assert looked.code == 0
    assert [(one.code, "[unauthorized]" in one.err) for one in (changed, shown)] == [(1, True)] * 2


def test_what_a_signed_in_person_does_stands_under_their_name_until_they_sign_out(line: CommandLine) -> None:
    line("pools", "fund", "season-eur", "5", "--source", "sponsor")
    ann = added(line, "ann", "admin", "operator")

    signed = sign_in(line, ann)
    kept = Path(signed.json["file"])
    made = line("--json", "payouts", "create", *PAYOUT)
    story = line("--json", "payouts", "show", made.json["payout_id"]).json
    out = line("sign-out")
    after = line("payouts", "create", *PAYOUT)

    assert (signed.code, made.code, out.code, after.code) == (0, 0, 0, 1)
    assert story["created_by"] == ann.actor
    assert (kept.exists(), stat.S_IMODE(kept.parent.stat().st_mode)) == (False, 0o700)


@pytest.mark.promise("G6")
def test_the_kept_sign_in_is_its_owners_file_alone(line: CommandLine) -> None:
    kept = Path(sign_in(line, added(line, "ann", "admin")).json["file"])
    mode = stat.S_IMODE(kept.stat().st_mode)
    kept.chmod(0o644)

    answer = line("operators", "list")

    assert mode == 0o600
    assert (answer.code, "can be read by others" in answer.err) == (1, True)


def test_a_role_that_lacks_the_scope_is_refused(line: CommandLine) -> None:
    root = added(line, "root", "admin")
    sign_in(line, root)
    vera = added(line, "vera", "viewer")
    line("sign-out")
    sign_in(line, vera)

    answer = line("pause", "set", "everything", "--reason", "x")

    assert (answer.code, "lacks the scope 'pause'" in answer.err) == (1, True)


def test_one_person_does_not_act_as_two(line: CommandLine) -> None:
    key = line("--json", "keys", "create", "spare", "--scope", "admin").json["key"]
    ann = added(line, "ann", "admin", "operator")
    sign_in(line, ann)

    given = line("--as", key, "pause", "set", "everything", "--reason", "x")
    in_environment = line("pause", "set", "everything", "--reason", "x", env={"REWARDRAILS_API_KEY": key})
    line("sign-out")
    alone = line("--as", key, "pause", "set", "everything", "--reason", "x")

    assert [one.code for one in (given, in_environment, alone)] == [1, 1, 0]
    assert "one person does not act as two" in given.err


def test_a_token_of_the_environment_serves_and_a_wrong_one_is_refused_even_for_looking(line: CommandLine) -> None:
    ann = added(line, "ann", "admin")
    token = Path(sign_in(line, ann).json["file"]).read_text().strip()
    line("--json", "whoami")
    good = line("--json", "whoami", env={"REWARDRAILS_TOKEN": token})
    bad = line("pools", "list", env={"REWARDRAILS_TOKEN": "rs_" + "x" * 43})

    assert (good.json["actor"], good.json["roles"]) == (ann.actor, ["admin"])
    assert (bad.code, "[unauthorized]" in bad.err) == (1, True)


def test_a_key_is_no_sign_in_wherever_it_is_put(line: CommandLine) -> None:
    key = line("--json", "keys", "create", "spare", "--scope", "admin").json["key"]
    kept = Path(sign_in(line, added(line, "ann", "admin")).json["file"])

    in_environment = line("pause", "set", "everything", "--reason", "x", env={"REWARDRAILS_TOKEN": key})
    kept.write_text(key)
    in_the_file = line("pause", "set", "everything", "--reason", "x")

    assert [(one.code, "[unauthorized]" in one.err) for one in (in_environment, in_the_file)] == [(1, True)] * 2


def test_the_system_user_is_who_the_system_says_and_no_word_of_the_environment(line: CommandLine) -> None:
    forged = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "somebody-else")

    line("pools", "fund", "season-eur", "5", "--source", "sponsor", env=forged)
    made = line("--json", "payouts", "create", *PAYOUT, env=forged)

    assert made.code == 0, made.err
    by = line("--json", "payouts", "show", made.json["payout_id"]).json["created_by"]
    assert by == f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


def test_who_is_disabled_takes_their_keys_along_and_it_is_said(line: CommandLine) -> None:
    spare = line("--json", "keys", "create", "spare", "--scope", "admin").json["key"]
    sign_in(line, added(line, "ben", "admin"))
    key = line("--json", "keys", "create", "game", "--scope", "payouts").json["id"]
    line("sign-out")

    out = line("--as", spare, "operators", "disable", "ben")
    listed = {one["id"]: one["revoked_at"] for one in line("--as", spare, "--json", "keys", "list").json}

    assert (out.code, key in out.out.replace("\n", "")) == (0, True)
    assert listed[key] is not None


def two_admins(line: CommandLine) -> tuple[Person, Person]:
    """The first is signed in."""
    ann = added(line, "ann", "admin")
    sign_in(line, ann)
    return ann, added(line, "bea", "admin")


@pytest.mark.parametrize("role", ["approver", "treasurer"])
def test_who_gets_a_persons_word_or_the_money_is_proposed_by_one_admin_and_confirmed_by_another(
    line: CommandLine, role: str
) -> None:
    _, bea = two_admins(line)

    proposed = line("--json", "operators", "add", "ben", "--role", role)
    alone = line("operators", "confirm", "ben", typed=f"{PASSWORD}\n")
    before = [one["name"] for one in line("--json", "operators", "list").json]
    line("sign-out")
    sign_in(line, bea)
    confirmed = line("--json", "operators", "confirm", "ben", typed=f"{PASSWORD}\n")
    again = line("operators", "confirm", "ben", typed=f"{PASSWORD}\n")

    assert (proposed.code, alone.code, "[forbidden]" in alone.err, before) == (0, 1, True, ["ann", "bea"])
    assert (confirmed.code, again.code, "[not_found]" in again.err) == (0, 1, True)
    line("sign-out")
    assert sign_in(line, Person("ben", confirmed.json["id"], authenticator(confirmed.json["totp"]))).code == 0


def test_no_admin_alone_takes_over_an_account_or_widens_one(line: CommandLine) -> None:
    spare = line("--json", "keys", "create", "spare", "--scope", "people").json["key"]
    _, bea = two_admins(line)
    line("operators", "add", "vera", "--role", "viewer", typed=f"{PASSWORD}\n")

    reset = line("--json", "operators", "reset", "bea")
    widened = line("--json", "operators", "roles", "vera", "--role", "viewer", "--role", "approver")
    line("sign-out")
    herself = line("--as", spare, "operators", "confirm", "vera")
    about_bea = sign_in(line, bea)
    own = line("operators", "confirm", "bea", typed=f"{PASSWORD}\n")
    roles = {one["name"]: one["roles"] for one in line("--json", "operators", "list").json}

    assert ("proposal" in reset.json, "proposal" in widened.json) == (True, True)
    assert (herself.code, about_bea.code, own.code, "yourself" in own.err) == (0, 0, 1, True)
    assert sorted(roles["vera"]) == ["approver", "viewer"]


def test_taking_rights_away_and_adding_who_only_looks_need_one_admin(line: CommandLine) -> None:
    two_admins(line)

    narrower = line("--json", "operators", "roles", "bea", "--role", "viewer")
    looks = line("--json", "operators", "add", "vera", "--role", "auditor", typed=f"{PASSWORD}\n")
    third = line("--json", "operators", "add", "cem", "--role", "admin", typed=f"{PASSWORD}\n")

    assert ("id" in narrower.json, "id" in looks.json, "proposal" in third.json) == (True, True, True)


def test_a_wrong_sign_in_keeps_nothing(line: CommandLine) -> None:
    ann = added(line, "ann", "admin")

    wrong = line("sign-in", "ann", typed=f"wrong horse battery\n{ann.code()}\n")
    nothing = line("sign-in", "ann", typed="")

    assert [(one.code, "Traceback" in one.err) for one in (wrong, nothing)] == [(1, False)] * 2
    assert "nobody is signed in" in line("whoami").out


def test_people_are_added_listed_changed_disabled_and_let_in_again(line: CommandLine) -> None:
    root = added(line, "root", "admin")
    sign_in(line, root)
    ben = added(line, "ben", "viewer")
    line("operators", "roles", "ben", "--role", "support", "--role", "viewer")
    listed = {one["name"]: one for one in line("--json", "operators", "list").json}
    line("operators", "disable", "ben")
    line("sign-out")
    out = sign_in(line, ben)
    sign_in(line, root, 1)
    reset = line("--json", "operators", "reset", "ben", typed=f"{PASSWORD}\n")
    line("sign-out")
    new = Person(name="ben", id=ben.id, authenticator=authenticator(reset.json["totp"]))
    old_code, new_code = sign_in(line, ben, -1), sign_in(line, new)

    assert (sorted(listed["ben"]["roles"]), listed["ben"]["created_by"]) == (["support", "viewer"], root.actor)
    assert [one.code for one in (out, old_code, new_code)] == [1, 1, 0]


def test_the_first_person_is_an_admin_and_a_password_is_long_enough(line: CommandLine) -> None:
    not_admin = line("operators", "add", "ann", "--role", "viewer", typed=f"{PASSWORD}\n")
    short = line("operators", "add", "ann", "--role", "admin", typed="short\n")
    none = line("operators", "add", "ann", "--role", "admin", typed="")

    assert [one.code for one in (not_admin, short, none)] == [1, 1, 1]
    assert line("--json", "operators", "list").json == []


def test_a_name_is_taken_once_whatever_its_case(line: CommandLine) -> None:
    sign_in(line, added(line, "ann", "admin"))

    again = line("operators", "add", "ANN", "--role", "viewer", typed=f"{PASSWORD}\n")

    assert (again.code, "[state_conflict]" in again.err) == (1, True)


@pytest.mark.promise("G6")
def test_no_password_or_code_is_taken_as_an_argument(line: CommandLine) -> None:
    for words in (("operators", "add", "ann", "--role", "admin", "--password", "x"), ("sign-in", "ann", "--code", "1")):
        assert line(*words).code == 2


def test_serving_makes_no_admin_key_once_there_are_people(line: CommandLine) -> None:
    added(line, "root", "admin")

    with line.running("serve") as ready:
        assert ready["admin_key_file"] is None

    assert json.loads(line("--json", "doctor").out) is not None
