"""What happens in a run: a season, people at the API and the command line, refusals, defects, an outage, a forgery."""

from tests.canary.run import HEADER, Run, season_file
from tests.vendors.reloadly.double import RANGED

REWARD = {"campaign": "season", "amount": "7.00", "asset": "EUR", "jurisdiction": "DE", "player_id": "p"}
NOWHERE = "01930000-0000-7000-8000-000000000000"
UNKNOWN = "SELECT count(*) > 0 FROM payout WHERE provider = 'vague' AND state = 'outcome_unknown'"
RESTED = (
    "SELECT count(*) = 0 FROM payout p LEFT JOIN attempt a ON a.payout_id = p.id AND a.attempt_no = p.last_attempt_no"
    " WHERE p.provider = 'bank' AND p.state IN ('ready', 'submitting', 'pending')"
)
# A row that breaks a rule is printed whole by PostgreSQL, so each of these makes it print one of ours.
DEFECTS = {
    "payout": "destination_kind <> 'paypal_email'",
    "quote": "destination_kind <> 'paypal_email'",
    "observation": "provider <> 'bank'",
    "webhook_inbox": "provider <> 'bank'",
    "api_key": "name <> 'broken'",
}


def play(run: Run) -> None:
    """Everything, in an order in which each part finds what it needs."""
    _pay_a_season(run)
    _callers(run)
    _resolve(run)
    _by_hand(run)
    _refusals(run)
    _forgeries(run)
    _defects(run)
    _codes(run)
    _outage(run)
    _look(run)
    _strangers(run)


def _pay_a_season(run: Run) -> None:
    run.cli("pools", "fund", "season-eur", "10000.00", "--source", "sponsor", "--reference", "season")
    batch = run.cli("--json", "season", "stage", season_file(run)).json["id"]
    run.cli("season", "start", batch, "--wait", "--timeout-seconds", "3")
    run.until(RESTED, "the bank's payouts never came to rest")
    run.cli("season", "report", batch, "--csv", "report.csv")
    run.cli("season", "list")
    rows = f"{HEADER}\nu1,p,season,1,EUR,DE,paypal_email,{run.new_email()},{run.new('memo')}\n"
    made = run.api("POST", "/v1/batches?name=upload.csv", raw=rows.encode())
    run.api("POST", f"/v1/batches/{made['id']}/start")
    for path in ("", "/rows", ".csv", "/report"):
        run.api("GET", f"/v1/batches/{made['id']}{path}")


def _callers(run: Run) -> None:
    for number in range(6):
        reward = REWARD | {
            "reward_id": f"a{number}",
            "destination_kind": "paypal_email",
            "destination": run.new_email(),
        }
        quote = run.api("POST", "/v1/quotes", {name: value for name, value in reward.items() if name != "reward_id"})
        made = run.api("POST", "/v1/payouts", reward | ({"quote_id": quote["id"]} if "id" in quote else {}))
        run.api("POST", "/v1/payouts", reward | {"destination": run.new_email()})
        run.api("GET", f"/v1/payouts/{made['id']}")
        for verb in ("cancel", "retry", "release"):
            run.api("POST", f"/v1/payouts/{made['id']}/{verb}")
    run.cli("pause", "set", "provider", "bank", "--reason", "look")
    held = run.api(
        "POST",
        "/v1/payouts",
        REWARD | {"reward_id": "h", "destination_kind": "paypal_email", "destination": run.new_email()},
    )["id"]
    run.api("POST", f"/v1/payouts/{held}/hold", {"cause": "look"})
    run.api("POST", f"/v1/payouts/{held}/destination", {"destination": run.new_email(), "memo": run.new("memo")})
    run.cli("payouts", "destination", held, "--destination", run.new_email())
    run.cli("payouts", "release", held)
    for pause in run.api("GET", "/v1/pauses")["pauses"]:
        run.api("POST", f"/v1/pauses/{pause['id']}/lift")


def _resolve(run: Run) -> None:
    vague = REWARD | {"reward_id": "v", "destination_kind": "vague_email", "destination": run.new_email()}
    run.api("POST", "/v1/payouts", vague)
    run.until(UNKNOWN, "no outcome ever was unknown")
    listed = run.cli("--json", "payouts", "list", "--state", "outcome_unknown").json
    unknown = next(one for one in listed if one["provider"] == "vague")
    keys = [run.cli("--json", "keys", "create", name, "--scope", "resolve").json["key"] for name in ("one", "two")]
    for key in keys:
        run.keep("api key", key)
    evidence = f"their statement, line {run.new('evidence')}"
    resolve = ["payouts", "resolve", unknown["id"], "--outcome", "paid", "--evidence", evidence]
    run.cli(*resolve, env={"REWARDRAILS_API_KEY": keys[0]})
    run.cli(*resolve, "--as", keys[0])
    run.cli("payouts", "show", unknown["id"])
    run.api("GET", f"/v1/payouts/{unknown['id']}")
    run.api("POST", f"/v1/payouts/{unknown['id']}/resolve", {"outcome": "paid", "evidence": evidence}, token=keys[1])
    run.api("POST", f"/v1/payouts/{unknown['id']}/resolve", {"outcome": "paid", "evidence": "again " + evidence})


def _by_hand(run: Run) -> None:
    run.until("SELECT count(*) >= 6 FROM payout WHERE provider = 'by-hand' AND state = 'pending'", "no queue")
    run.api("GET", "/v1/manual")
    run.cli("manual", "next")
    run.cli("manual", "export", "queue.csv")
    first, second, third, fourth, *_ = (one["payout_id"] for one in run.cli("--json", "manual", "next").json)
    run.cli("manual", "settle", first, "--proof", f"receipt {run.new('proof')}")
    run.cli("manual", "refuse", first, "--reason", f"no, {run.new('reason')}")
    run.cli("manual", "refuse", second, "--reason", f"not met, {run.new('reason')}")
    run.api("POST", f"/v1/manual/{third}/settle", {"proof": f"receipt {run.new('proof')}"})
    run.api("POST", f"/v1/manual/{NOWHERE}/settle", {"proof": f"receipt {run.new('proof')}"})
    filled = run.around.outside / "results.csv"
    filled.write_text(
        "payout_id,result,proof,reason\n"
        f"{fourth},paid,{run.new('proof')},\n{first},refused,,{run.new('reason')}\nnonsense,maybe,{run.new('proof')},\n"
    )
    run.cli("--json", "manual", "import", filled, "--answers", "answers.csv")


def _refusals(run: Run) -> None:
    reward = REWARD | {"reward_id": "z", "destination_kind": "paypal_email", "destination": run.new_email()}
    for changes in (
        {"destination": f"{run.new('refused destination')}@@x"},
        {"memo": f"{run.new('memo')}\u0007"},
        {"destination_kind": "manual_note", "destination": run.new("refused destination") * 60},
        {"amount": "99999999.00"},
        {"amount": 7, "memo": run.new("memo")},
        {"memo": [run.new("memo")]},
        {"destination": {"of": run.new("refused destination")}},
    ):
        run.api("POST", "/v1/payouts", reward | changes)
    run.api("POST", "/v1/payouts", [run.new("memo")])
    run.api("POST", "/v1/batches?name=bad.csv", raw=f"no,header,{run.new_email()}\n1,2,3\n".encode())
    run.api("GET", "/v1/payouts", token=run.new("unknown api key"))
    run.api("GET", f"/v1/payouts/{NOWHERE}")
    made = run.api("POST", "/v1/keys", {"name": "short", "scopes": ["read"]})
    run.keep("api key", made["token"])
    run.api("POST", f"/v1/payouts/{NOWHERE}/cancel", token=made["token"])
    run.api("GET", "/v1/keys")
    run.api("POST", f"/v1/keys/{made['id']}/revoke")
    run.api("GET", "/v1/payouts", token=made["token"])


def _forgeries(run: Run) -> None:
    for event in ("payout.paid", run.new("forged notice")):
        body = {"type": event, "data": {"destination": run.new_email("forged notice"), "reference": "x"}}
        run.api("POST", "/v1/webhooks/bank", body)


def _defects(run: Run) -> None:
    """Statements fail in the API, in the worker and in a command, with a row in their hands."""
    run.as_owner(*(_broken(table) for table in DEFECTS if table != "observation"))
    reward = REWARD | {"reward_id": "d", "destination_kind": "paypal_email", "destination": run.new_email()}
    run.api("POST", "/v1/payouts", reward | {"memo": run.new("memo")})
    run.api("POST", "/v1/quotes", {name: value for name, value in reward.items() if name != "reward_id"})
    run.api("POST", "/v1/keys", {"name": "broken", "scopes": ["read"]})
    create = ["payouts", "create", "--campaign", "season", "--reward-id", "d2", "--player-id", "p", "--amount", "1.00"]
    create += ["--asset", "EUR", "--jurisdiction", "DE", "--destination-kind", "paypal_email"]
    create += ["--destination", run.new_email(), "--memo", run.new("memo")]
    run.cli(*create)
    run.cli_process(*create, env={"REWARDRAILS_DEBUG": "1"})
    run.as_owner("ALTER TABLE payout DROP CONSTRAINT broken", "ALTER TABLE quote DROP CONSTRAINT broken")
    run.as_owner(_broken("observation"))
    run.api("POST", "/v1/payouts", reward)
    run.until("SELECT count(*) > 0 FROM payout WHERE reward_id = 'd' AND state = 'submitting'", "never sent")
    run.until_logged("CheckViolation")
    run.as_owner(*(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS broken" for table in DEFECTS))


def _codes(run: Run) -> None:
    """A card is bought while its code cannot be stored, then stored, given, refused, and given once more."""
    run.as_owner("ALTER TABLE bearer_value ADD CONSTRAINT broken CHECK (attempt_no > 1) NOT VALID")
    told = run.times_logged("CheckViolation")
    reward = REWARD | {"reward_id": "g", "destination_kind": "gift_card", "destination": str(RANGED)}
    made = run.api("POST", "/v1/payouts", reward)["id"]
    run.until_logged("CheckViolation", times=told + 1)
    for part in run.around.cards.taken[-1].card.values():
        run.keep("code", part)
    run.as_owner("ALTER TABLE bearer_value DROP CONSTRAINT broken")
    run.until("SELECT count(*) > 0 FROM payout WHERE reward_id = 'g' AND state = 'paid'", "no code ever came", 90)
    path = f"/v1/payouts/{made}/value"
    for body in ({"player_id": "somebody"}, {"player_id": "p"}, {"player_id": "p"}):
        run.api("POST", path, body)
    run.api("POST", f"{path}/reissue", {"reason": "case 7"})
    run.api("POST", path, {"player_id": "p"})
    run.api("GET", f"/v1/payouts/{made}")
    run.cli("payouts", "show", made)


def _broken(table: str) -> str:
    return f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK ({DEFECTS[table]}) NOT VALID"


def _outage(run: Run) -> None:
    run.around.bank.end()
    for number in range(3):
        reward = REWARD | {"reward_id": f"o{number}", "destination_kind": "paypal_email"}
        run.api("POST", "/v1/payouts", reward | {"destination": run.new_email()})
    run.until("SELECT failures > 0 FROM provider_state WHERE name = 'bank'", "nobody noticed the outage")


def _look(run: Run) -> None:
    for path in ("/", "/metrics", "/healthz", "/readyz", "/openapi.json"):
        run.api("GET", path)
    for path in ("payouts", "batches", "pools", "providers", "events", "pauses", "manual"):
        run.api("GET", f"/v1/{path}")
    for payout in run.api("GET", "/v1/payouts?limit=20")["payouts"]:
        run.api("GET", f"/v1/payouts/{payout['id']}")
        run.cli("payouts", "show", payout["id"])
    for words in ("doctor --deep", "ledger verify", "audit verify", "events list", "payouts list", "providers list"):
        run.cli(*words.split())
    for words in ("keys list", "pools list", "pause list", "config check", "--json doctor", "--json payouts list"):
        run.cli(*words.split())


def _strangers(run: Run) -> None:
    """Keys, addresses and settings that lead nowhere."""
    run.cli("payouts", "list", "--as", run.new("unknown api key"))
    away = run.around.dsn.replace(str(run.around.postgres_log.parent), "/nowhere")
    for debug in ({}, {"REWARDRAILS_DEBUG": "1"}):
        run.cli_process("payouts", "list", env={"DATABASE_URL": away, **debug})
    run.cli_process(
        "payouts", "list", env={"DATABASE_URL": f"postgresql://x:{run.new('database password')}@127.0.0.1:1/x"}
    )
    run.cli_process("payouts", "list", env={"CANARY_MASTER_KEY": run.new("master key")})
    wrong = run.around.outside / "wrong.toml"
    wrong.write_text(run.around.config.replace("env:CANARY_EVENT_SECRET", run.new("event secret")))
    run.cli_process("--config", wrong, "config", "check", env={})
