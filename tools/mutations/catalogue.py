"""Every mutation: which guard it takes away, where, and which tests ought to notice."""

from dataclasses import dataclass
from pathlib import Path

SOURCE = Path("src/rewardrails")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An exact replacement in one file; `old` must stand there exactly once."""

    path: str
    old: str
    new: str

    @property
    def file(self) -> Path:
        """The file, seen from the project's folder."""
        return SOURCE / self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One guard taken away; `tests` is what to run, as arguments of pytest."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


_ENGINE = "tests/integration/engine"
_LIFE = f"{_ENGINE}/test_payout_life.py"
_DOUBT = f"{_ENGINE}/test_doubt.py"
_HARD = f"{_ENGINE}/test_hard_cases.py"
_POOLS = f"{_ENGINE}/test_pools_and_rewards.py"
_STOPPING = f"{_ENGINE}/test_stopping.py"
_NOTICES = f"{_ENGINE}/test_webhooks.py"
_TAMPERING = "tests/integration/audit/test_tampering.py"
_HIDDEN = "tests/integration/audit/test_hidden.py"
_EVENTS = "tests/integration/events/test_events.py"
_OUTAGE = "tests/integration/rails/test_outage.py"
_SIGNATURES = "tests/unit/providers/test_signatures.py"
_GUARDS = "tests/integration/engine/test_guards.py"
_GATES = "tests/integration/gates/test_gates.py"
_AUTHORS = "tests/integration/gates/test_authors.py"
_RACES = "tests/integration/gates/test_approval_races.py"
_RULES = "tests/unit/domain/policy/test_gates.py"
_LEAVING = "tests/integration/gates/test_leaving.py"
_RECIPIENTS = "tests/integration/gates/test_recipients.py"
_WORDS = "tests/integration/gates/test_words.py"
_CHANGED = "tests/integration/gates/test_changed_rules.py"
_SECOND_LOOKS = "tests/integration/gates/test_second_looks.py"
_FACTS = "store/queries/gates.sql"
_SCHEMA = "store/migrations/sql/0001_initial.sql"
_SENDING = "store/queries/sending.sql"
_PAYOUTS = "store/queries/payouts.sql"
_EXCHANGE = "providers/exchange"
_CCXT = "tests/vendors/exchange/test_library.py"
_WITHDRAWALS = "tests/vendors/exchange/test_mapping.py"


def _one(name: str, path: str, old: str, new: str, *tests: str) -> Mutation:
    return Mutation(name=name, edits=(Edit(path=path, old=old, new=new),), tests=tests)


MUTATIONS: tuple[Mutation, ...] = (
    # Sending ----------------------------------------------------------------------------------------------------------
    _one(
        "lease fence removed",
        "engine/observe.py",
        'item.fence is not None and item.fence != attempt["fence"]',
        "item.fence is not None and item.fence < 0",
        _DOUBT,
    ),
    _one(
        "state written whatever the payout's version",
        _PAYOUTS,
        "FROM step WHERE payout.id = step.payout_id AND payout.version = step.version",
        "FROM step WHERE payout.id = step.payout_id",
        _GUARDS,
    ),
    _one(
        "any state may follow any other",
        "engine/observe.py",
        "    return decide(standing, seen, core.retry)",
        "    return decide(replace(standing, attempt_is_last=True, attempt_state=AttemptState.SENDING), seen, core.retry)",
        _HARD,
        _LIFE,
    ),
    _one(
        "attempt not stored before the call",
        _SENDING,
        "    FROM moved WHERE NOT resend ORDER BY id\n), resent",
        "    FROM moved WHERE NOT resend AND false ORDER BY id\n), resent",
        f"{_DOUBT}::test_a_crash_between_commit_and_call_is_sent_again_under_the_same_key",
        f"{_DOUBT}::test_a_crash_after_the_call_is_found_paid",
    ),
    _one(
        "a worker that slept sends all the same",
        "engine/send.py",
        "if clock.monotonic() > claimed.send_before:",
        "if claimed.sends < 0:",
        _GUARDS,
    ),
    _one(
        "exception after the call read as failure",
        "engine/send.py",
        'return OutcomeUnknown(evidence=Evidence(provider_code=f"raised:{type(error).__name__}"))',
        "return Rejected(code=ErrorCode.PROVIDER_REJECTED, retryable=True, scope=RejectionScope.PAYOUT)",
        _DOUBT,
    ),
    _one(
        "refusal of a second sending believed",
        "engine/send.py",
        "case Rejected() if sends == 1 or (replays_errors and outcome.scope is RejectionScope.PAYOUT):",
        "case Rejected():",
        _DOUBT,
    ),
    _one(
        "timeout read as refusal",
        "providers/certainty.py",
        "case MaybeSent():\n            return OutcomeUnknown(evidence=evidence)",
        "case MaybeSent():\n            return _refused_by_provider(ErrorCode.PROVIDER_UNAVAILABLE, evidence)",
        "tests/unit/providers/test_certainty.py",
    ),
    _one(
        "“not found” always authoritative",
        "engine/sync.py",
        "        and capabilities.lookup_is_authoritative\n        and capabilities.same_key_is_safe\n",
        "",
        _DOUBT,
    ),
    Mutation(
        name="dedupe window ignored: sent again after the key is forgotten",
        edits=(
            Edit(
                path=_SENDING,
                old="FROM found WHERE payout.id = found.id AND found.in_window IS NOT FALSE",
                new="FROM found WHERE payout.id = found.id",
            ),
            Edit(
                path=_SENDING,
                old="a.sends < 10 AND (s.expires_at IS NULL OR s.expires_at > rr_now() + $4::float8 * interval '1 second')",
                new="(s.expires_at IS NULL OR $4::float8 > 0)",
            ),
        ),
        tests=(_DOUBT,),
    ),
    _one(
        "superseded attempt heard as if it were the last",
        "domain/payout.py",
        "if not standing.attempt_is_last and standing.state in IN_PROVIDER_HANDS:",
        "if standing.attempt_no < 0:",
        _LIFE,
        "tests/unit/domain/test_payout.py",
    ),
    _one(
        "breaker never opens",
        _SENDING,
        "WHEN failures + $3::int >= $4::int THEN",
        "WHEN failures + $3::int >= $4::int AND false THEN",
        f"{_OUTAGE}::test_the_breaker_stops_all_calls_while_it_is_open_and_closes_after_one_good_answer",
    ),
    _one(
        "pause of a provider ignored by the sender",
        _SENDING,
        "AND (scope = 'everything' OR (scope = 'provider' AND subject = $1))) THEN 0",
        "AND (scope = 'everything' OR (scope = 'provider' AND subject = $1))) AND false THEN 0",
        f"{_OUTAGE}::test_a_pause_stops_what_it_names_and_nothing_else",
    ),
    _one(
        "pause of a campaign ignored by the sender",
        _SENDING,
        "((scope = 'campaign' AND subject = p.campaign) OR (scope",
        "((scope = 'campaign' AND subject = p.campaign AND false) OR (scope",
        f"{_OUTAGE}::test_a_pause_stops_what_it_names_and_nothing_else",
    ),
    # Gates ------------------------------------------------------------------------------------------------------------
    Mutation(
        name="gates not asked again when it is sent",
        edits=(
            Edit(
                path="engine/send.py",
                old="    changed = [item for item in judged.values() if item.judgement.stopped or item.newly_counted]\n",
                new="    changed = [item for item in judged.values() if item.newly_counted]\n",
            ),
            Edit(
                path="engine/send.py",
                old='    return {row["id"] for row in rows if not judged[row["id"]].judgement.stopped}',
                new='    return {row["id"] for row in rows}',
            ),
        ),
        tests=(_GATES,),
    ),
    _one(
        "legal approval not asked for",
        "domain/policy/legal.py",
        "    if not subject.needs_legal_approval:",
        "    if subject.amount_minor:",
        _GATES,
        _RULES,
    ),
    _one(
        "revoked legal approval still in force",
        _FACTS,
        "confirmed_at IS NOT NULL AND revoked_at IS NULL AND",
        "confirmed_at IS NOT NULL AND",
        _GATES,
    ),
    _one(
        "legal approval in force before a second person confirmed it",
        _FACTS,
        "confirmed_at IS NOT NULL AND revoked_at IS NULL AND",
        "revoked_at IS NULL AND",
        _GATES,
    ),
    _one(
        "whoever recorded a legal approval confirms it",
        "engine/legal.py",
        "    if await is_one_person(tx, found.recorded_by, actor):",
        "    if not found.recorded_by:",
        _GATES,
    ),
    _one(
        "legal approval without an end",
        "domain/policy/legal.py",
        "        and approval.valid_until > case.leaves_by\n",
        "",
        _RULES,
    ),
    _one(
        "counted under one legal approval, let through under another",
        "domain/policy/legal.py",
        "    if case.facts.legal_approval_id == approval.id:",
        "    if case.facts.legal_approval_id:",
        _GATES,
    ),
    _one(
        "counters read without their locks",
        _FACTS,
        "SELECT name FROM counter_lock WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE",
        "SELECT name FROM counter_lock WHERE name = ANY ($1::text[]) ORDER BY name",
        _GATES,
    ),
    Mutation(
        name="the author's approval counts",
        edits=(
            Edit(
                path="engine/authors.py",
                old="if roots[actor] in {roots[author] for author in authors}:",
                new="if not authors:",
            ),
            Edit(
                path="domain/policy/approvals.py",
                old=" and sign_off.approver != case.subject.created_by",
                new="",
            ),
        ),
        tests=(_GATES, _RACES),
    ),
    _one(
        "what was altered after it was asked for is sent",
        "engine/ready.py",
        "        if is_as_asked(core, row, destination):",
        "        if destination:",
        "tests/integration/gates/test_altered.py",
    ),
    _one(
        "whoever staged the file approves its payouts",
        _FACTS,
        "ARRAY[payout.created_by, payout.destination_by, batch.created_by]",
        "ARRAY[payout.created_by, payout.destination_by]",
        "tests/integration/gates/test_authors.py",
    ),
    _one(
        "approval outlives a change of the payout",
        _FACTS,
        "FROM sign_off\n        WHERE payout_id = about.payout_id AND content_digest = about.content_digest",
        "FROM sign_off\n        WHERE payout_id = about.payout_id",
        _GATES,
        _RACES,
    ),
    _one(
        "a sanctions hit can be overruled",
        "domain/policy/judge.py",
        "    {destinations.LIST_REVIEW,",
        "    {destinations.LISTS, destinations.LIST_REVIEW,",
        _GATES,
    ),
    _one(
        "a screener's silence counts as clear",
        "domain/policy/destinations.py",
        "        if said is Screening.UNKNOWN:",
        "        if said is None:",
        _RULES,
    ),
    _one(
        "a stale sanctions list will do",
        "domain/policy/destinations.py",
        "    if rule.screened and (stale or not sanctions):",
        "    if rule.screened and not sanctions:",
        _RULES,
    ),
    _one(
        "an expired check of a player will do",
        "domain/policy/eligibility.py",
        "    if check.expires_at <= case.leaves_by:",
        "    if check.expires_at is None:",
        _RULES,
    ),
    _one(
        "a pause does not wait for claims under way",
        "engine/pauses.py",
        '    await tx.fetch(sql("wait_for_claims"))\n',
        "",
        _STOPPING,
    ),
    _one(
        "a lost transaction waited for without end",
        "store/database.py",
        "    while clock.monotonic() < give_up:",
        "    while give_up:",
        _STOPPING,
    ),
    # What is told to us -----------------------------------------------------------------------------------------------
    _one(
        "signature check skipped",
        "providers/signatures.py",
        'if not _holds(expected, request.headers.get("webhook-signature", "")):',
        "if not expected:",
        _SIGNATURES,
        "tests/api/test_webhooks.py",
    ),
    _one(
        "signatures compared up to the shorter one",
        "providers/signatures.py",
        "hmac.compare_digest(expected, candidate)",
        "expected.startswith(candidate)",
        _SIGNATURES,
    ),
    _one(
        "timestamp tolerance skipped",
        "providers/signatures.py",
        "if abs(age_seconds) > self._tolerance_seconds:",
        "if abs(age_seconds) < 0:",
        _SIGNATURES,
    ),
    Mutation(
        name="webhook dedupe removed",
        edits=(
            Edit(
                path=_SCHEMA,
                old="CONSTRAINT webhook_counted_once UNIQUE (provider, event_key)",
                new="CONSTRAINT webhook_counted_once CHECK (provider <> '')",
            ),
            Edit(path="store/queries/webhooks.sql", old="ON CONFLICT (provider, event_key) DO NOTHING", new=""),
        ),
        tests=(_NOTICES, "tests/api/test_webhooks.py"),
    ),
    _one(
        "subject comparison removed",
        "engine/observe.py",
        "    if same:\n        return seen",
        "    if same or item:\n        return seen",
        _NOTICES,
        _LIFE,
    ),
    # Money and requests -----------------------------------------------------------------------------------------------
    _one(
        "retry without a new reservation",
        "engine/operate.py",
        'await _write(tx, row, PayoutState.READY, actor, postings=reserve(row["amount"] + row["fee_ceiling"]))',
        "await _write(tx, row, PayoutState.READY, actor)",
        _LIFE,
    ),
    _one(
        "pool's CHECK dropped",
        _SCHEMA,
        "WHEN name IN ('available', 'reserved', 'paid', 'fees') THEN balance >= 0",
        "WHEN name IN ('available', 'reserved', 'paid', 'fees') THEN true",
        _POOLS,
    ),
    _one(
        "history may be changed",
        _SCHEMA,
        "CREATE TRIGGER transfer_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer",
        "CREATE TRIGGER transfer_is_immutable BEFORE TRUNCATE ON transfer",
        _GUARDS,
    ),
    _one(
        "idempotency key not bound to its request",
        "engine/accept.py",
        "return stored if digest == item.call.digest else key_reused(key)",
        "return stored",
        "tests/api/test_idempotency.py",
    ),
    _one(
        "idempotency key of other calls not bound to their request",
        "engine/idempotent.py",
        'if row["request_digest"] != call.digest:',
        'if not row["request_digest"]:',
        "tests/api/test_idempotency.py",
    ),
    _one(
        "reward's content not compared",
        "engine/request.py",
        "if content_digest != plan.request.content_digest:",
        "if content_digest == b'':",
        _POOLS,
    ),
    # People -----------------------------------------------------------------------------------------------------------
    _one(
        "cancel not conditional on a live attempt",
        "engine/operate.py",
        'if state in UNSENT and row["live_attempt_no"] is None:',
        "if state in UNSENT:",
        _LIFE,
    ),
    _one(
        "cancel while it is being sent",
        "engine/operate.py",
        "if state is PayoutState.SUBMITTING:",
        "if state is PayoutState.PAID:",
        _GUARDS,
    ),
    _one(
        "destination changed while the old one may still be paid",
        "engine/operate.py",
        'if row["live_attempt_no"] is not None or state not in UNSENT | {PayoutState.FAILED, PayoutState.RETURNED}:',
        'if row["version"] < 0:',
        _LIFE,
        "tests/api/test_operations.py",
    ),
    Mutation(
        name="two-person check dropped",
        edits=(
            Edit(
                path="engine/resolve.py",
                old='if await is_one_person(tx, open_one["proposed_by"], actor):',
                new='if not open_one["id"]:',
            ),
            Edit(
                path=_SCHEMA,
                old="CONSTRAINT resolution_takes_two CHECK (confirmed_by IS DISTINCT FROM proposed_by)",
                new="CONSTRAINT resolution_takes_two CHECK (proposed_by <> '')",
            ),
        ),
        tests=(_LIFE, "tests/api/test_operations.py"),
    ),
    # Secrets, evidence, the outside -----------------------------------------------------------------------------------
    Mutation(
        name="egress guard off",
        edits=(
            Edit(
                path="events/egress.py",
                old="        if self._allow_private:\n            return found",
                new="        if found:\n            return found",
            ),
            Edit(
                path="events/egress.py",
                old="if peer and not self._allow_private and not is_public(str(peer[0])):",
                new="if peer and not peer[0]:",
            ),
        ),
        tests=(_GUARDS,),
    ),
    _one(
        "addresses inside allowed for endpoints",
        "events/egress.py",
        "if _is_literal(parts.hostname) and not is_public(parts.hostname):",
        "if not parts.hostname:",
        _EVENTS,
    ),
    Mutation(
        name="newest events sealed first",
        edits=(
            Edit(
                path="store/queries/events.sql",
                old="ORDER BY n LIMIT $1) AS event",
                new="ORDER BY n DESC LIMIT $1) AS event",
            ),
            Edit(
                path="store/queries/events.sql",
                old="ORDER BY n\n\n-- name: seal_events",
                new="ORDER BY n DESC\n\n-- name: seal_events",
            ),
        ),
        tests=(_EVENTS,),
    ),
    _one(
        "events of one payout sealed out of order",
        "store/queries/events.sql",
        "AND before.transaction_id >= pg_snapshot_xmin(pg_current_snapshot()) OFFSET 0)",
        "AND false OFFSET 0)",
        _HARD,
    ),
    _one(
        "checkpoints not compared with the log",
        "events/walk.py",
        "if told.position == self.at.position and told.chain_hash != self.at.chain_hash:",
        "if told.position < 0:",
        _TAMPERING,
    ),
    _one(
        "an event's hash believed instead of recomputed",
        "events/walk.py",
        'elif (found := link(self.at.chain_hash, row, due)) != row["chain_hash"]:',
        'elif not (found := row["chain_hash"] or link(self.at.chain_hash, row, due)):',
        _TAMPERING,
    ),
    _one(
        "a changed log signed over",
        "events/audit.py",
        'if last is not None and (head["position"] < last.position or head["hash_there"] != last.chain_hash):',
        "if last is not None and last.number < 0:",
        "tests/integration/audit/test_checkpoints.py",
    ),
    _one(
        "refusals told without end",
        "store/queries/events.sql",
        "HAVING count(*) < $6",
        "HAVING count(*) < $6 + 1000000",
        "tests/integration/audit/test_refusals.py",
    ),
    _one(
        "a secret's text shows when printed",
        "secrets.py",
        "return f\"Secret('{_MASK}')\"",
        "return f\"Secret('{self._value}')\"",
        "tests/unit/test_secrets.py",
        "tests/unit/config/test_config.py",
    ),
    Mutation(
        name="encryption replaced by plain text",
        edits=(
            Edit(
                path="security/vault.py",
                old="return _OF_NOBODY + nonce + self._for_nobody[self.key_id].encrypt(nonce, plain, _OF_NOBODY + purpose)",
                new="return _OF_NOBODY + nonce + plain",
            ),
            Edit(
                path="security/vault.py",
                old="return head + nonce + self._of_player(self.key_id, salt).encrypt(nonce, plain, head + purpose)",
                new="return head + nonce + plain",
            ),
            Edit(
                path="security/vault.py",
                old="return cipher.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], head + purpose)",
                new="return body[_NONCE_BYTES:]",
            ),
        ),
        tests=(f"{_NOTICES}::test_the_stored_body_holds_nothing_readable", "tests/canary/test_canaries.py"),
    ),
    _one(
        "every player sealed with one key",
        "security/vault.py",
        'hmac.digest(self._for_players[key_id], salt + b"\\x01", hashlib.sha256)',
        "self._for_players[key_id]",
        "tests/unit/security/test_vault.py",
    ),
    _one(
        "an erasure that keeps the salt",
        "store/queries/vault.sql",
        "UPDATE player_secret SET salt = NULL, erased_at",
        "UPDATE player_secret SET salt = salt, erased_at",
        "tests/integration/vault/test_erasure.py",
    ),
    _one(
        "a player erased while money is under way",
        "engine/erase.py",
        "if player_id in known - busy]",
        "if player_id in known]",
        "tests/integration/vault/test_erasure.py",
    ),
    _one(
        "re-sealing over what was written meanwhile",
        "engine/reseal.py",
        'was = [row["sealed"] for row, _ in sealed]',
        "was = [value for _, value in sealed]",
        "tests/integration/vault/test_rotation.py",
    ),
    _one(
        "digest of a request made without the master key",
        "api/idempotency.py",
        "digest = core.vault.digest(_encoder.encode(request))",
        "digest = _encoder.encode(request)",
        "tests/canary/test_digests.py",
    ),
    _one(
        "a player's address in a line of the log",
        "engine/send.py",
        "    outcome = await _call(core, provider, claimed)\n",
        '    outcome = await _call(core, provider, claimed)\n    log.info("sent", to=claimed.order.destination.value)\n',
        "tests/canary/test_canaries.py",
    ),
    # What people say, and what the log proves ------------------------------------------------------------------------
    _one(
        "words of approval that outlive a change",
        _PAYOUTS,
        "WITH void AS (DELETE FROM sign_off WHERE payout_id = $1)",
        "WITH void AS (SELECT 1)",
        _AUTHORS,
    ),
    _one(
        "a file's total that shrinks by being paid in parts",
        _FACTS,
        " AND (verdict = 'accepted' OR code IN ('pool_exhausted', 'payouts_paused'))",
        " AND verdict = 'accepted'",
        _AUTHORS,
    ),
    _one(
        "a review that ends by time alone",
        "domain/policy/abuse.py",
        " and GATE not in case.facts.held_by:",
        ":",
        _RULES,
    ),
    _one(
        "an approval that ends between claim and first byte",
        "domain/policy/legal.py",
        "approval.valid_until > case.leaves_by",
        "approval.valid_until > case.facts.now",
        _RULES,
    ),
    _one(
        "a blockchain without a legal approval",
        "providers/capabilities.py",
        "if self.provider_type in OVER_A_BLOCKCHAIN:",
        "if False:",
        "tests/unit/providers/test_capabilities.py",
    ),
    _one(
        "a country that hides a denied subdivision",
        "domain/policy/eligibility.py",
        "if touched(place, rule.deny) or",
        "if covered(place, rule.deny) or",
        _RULES,
    ),
    _one(
        "payouts that no event tells of",
        "events/payouts.py",
        'if not row["is_told"]:',
        "if False:",
        _HIDDEN,
    ),
    _one(
        "an event that is never sealed",
        "events/verify.py",
        'if row["of_nobody"] is not None:',
        "if False:",
        _HIDDEN,
    ),
    _one(
        "checkpoints that nobody misses",
        "events/verify.py",
        "        fault = fault or await _unsigned(connection, walk.signed_to)\n",
        "        pass\n",
        _HIDDEN,
    ),
    _one(
        "a queue that shows where altered payouts go",
        "engine/by_hand.py",
        "    if not is_as_asked(core, row, destination):",
        "    if not destination:",
        "tests/integration/gates/test_altered.py",
    ),
    _one(
        "what was prepared is sent without another look",
        "engine/send.py",
        "        return await look_again(core, provider, await _prepare(core, provider, provider.name, claimed))\n",
        "        return await _prepare(core, provider, provider.name, claimed)\n",
        _LEAVING,
    ),
    _one(
        "what could not be asked about once more is unknown though it never left",
        "engine/send.py",
        '        log.exception("last_look_failed", payouts=len(ids))\n',
        "        raise\n",
        _LEAVING,
    ),
    _one(
        "yesterday's count lets payouts leave today",
        "domain/policy/limits.py",
        "        return at if at >= _midnight(now) else None\n",
        "        return at\n",
        _RULES,
        _LEAVING,
    ),
    _one(
        "a limit set during an incident stops nothing that is queued",
        "domain/policy/limits.py",
        "        if limit.key in case.facts.counted and since:",
        "        if case.facts.counted or since:",
        _RULES,
    ),
    _one(
        "one customer of an exchange for another",
        "engine/core.py",
        "        if not (customer := destination.customer()):\n",
        "        if (customer := destination.address()):\n",
        _RECIPIENTS,
    ),
    _one(
        "another holder's name makes another bank account",
        "domain/destination.py",
        '        return self.memo if _has_chain_shape(self.value) else ""\n',
        "        return self.memo\n",
        _RECIPIENTS,
    ),
    _one(
        "a wallet goes as a note",
        "domain/destination.py",
        "    if any(found[1] or _is_ton_account(found[0]) for found in _wallets(text)):",
        "    if not text:",
        "tests/unit/domain/test_destination.py",
    ),
    _one(
        "a bank account in a note that no list knows",
        "domain/destination.py",
        "        return canonical_iban(text)  # lists know it by this form\n",
        "        canonical_iban(text)\n",
        "tests/unit/domain/test_destination.py",
        _RECIPIENTS,
    ),
    _one(
        "an approval of something else than was shown",
        "engine/approve.py",
        "if seen is not None and not hmac.compare_digest(",
        "if seen is None and not hmac.compare_digest(",
        _WORDS,
    ),
    _one(
        "a batch approved with other destinations than were shown",
        "engine/approve.py",
        'one.payouts, one.amount_minor, one.digest or "") for one',
        'one.payouts, one.amount_minor, "") for one',
        _WORDS,
    ),
    _one(
        "a release that overrules what it does not name",
        "engine/operate.py",
        "    if reason and {stop.gate for stop in stops} <= set(overrules):",
        "    if reason:",
        _WORDS,
    ),
    _one(
        "a release that overrules what is worse by now",
        "domain/policy/judge.py",
        "cause in lifted and severity <= lifted[cause] for cause, severity in",
        "cause in lifted for cause, severity in",
        _WORDS,
    ),
    _one(
        "a release of one limit lifts every other",
        "domain/policy/limits.py",
        "    return {limit.key: 0 for limit in exceeded} | {",
        "    return {} if exceeded else {",
        _CHANGED,
    ),
    _one(
        "many players overruled are many destinations overruled",
        "domain/policy/destinations.py",
        '        causes["destinations"] = address.destinations_of_player\n',
        '        causes["players"] = address.destinations_of_player\n',
        _RULES,
        _CHANGED,
    ),
    _one(
        "an overruling outlives the hold that came after it",
        "store/queries/gates.sql",
        "split_part(gate_lift.gate, ':', 1) = row.gate AND voided_at IS NULL",
        "gate_lift.gate IS NULL AND voided_at IS NULL",
        _CHANGED,
    ),
    _one(
        "listed once more is no worse than having been listed",
        "domain/policy/destinations.py",
        '        causes={"listed": 1 if is_listed else 0},\n',
        '        causes={"listed": 0},\n',
        _CHANGED,
    ),
    _one(
        "a limit that counts something else takes the old count for its own",
        "domain/policy/rules.py",
        '        counting = key.rpartition("#")[0]\n        return counting ==',
        '        counting = key.rpartition("#")[0]\n        return key.startswith(f"{self.name}#") or counting ==',
        _CHANGED,
    ),
    _one(
        "everybody reads what people wrote when they overruled",
        "engine/explain.py",
        "replace(hold, why=why, reason=MASKED if hold.reason else None)",
        "replace(hold, why=why)",
        "tests/api/test_gates.py",
        "tests/integration/test_cli_gates.py",
    ),
    _one(
        "everybody reads why a person holds a payout",
        "engine/explain.py",
        "why = MASKED if hold.opened_by is not None else hold.why",
        "why = hold.why",
        "tests/people/test_words_of_people.py",
    ),
    _one(
        "a route found late sets no fee aside",
        "engine/operate.py",
        'more = ceiling - int(row["fee_ceiling"])',
        "more = 0",
        _SECOND_LOOKS,
    ),
    _one(
        "a shorter list lets go what the longer one named",
        "engine/addresses.py",
        '        await _keep_for_review(core, tx, current["id"])\n',
        "        pass\n",
        _SECOND_LOOKS,
    ),
    _one(
        "one person alone settles what is unknown",
        "engine/observe.py",
        "if one_alone and standing.state",
        "if False and standing.state",
        _SECOND_LOOKS,
    ),
    _one(
        "authors overrule for themselves",
        "engine/operate.py",
        '        await require_no_author(tx, [payout_id], actor, then="another person overrules what holds it")\n',
        "",
        _WORDS,
    ),
    _one(
        "a shorter list lets somebody go",
        "domain/policy/destinations.py",
        "    if not is_listed and LIST_REVIEW not in case.facts.held_by:",
        "    if not is_listed:",
        _RULES,
        _RECIPIENTS,
    ),
    _one(
        "people pay what a gate stops by now",
        "engine/by_hand.py",
        "    if (stop := first_stop(judgement)) is not None:",
        "    if (stop := None) is not None:",
        _LEAVING,
    ),
    _one(
        "refusals about one object that hide all others",
        "store/queries/events.sql",
        "HAVING count(*) < $6 AND count(*) FILTER",
        "HAVING count(*) < $7 AND count(*) FILTER",
        "tests/integration/audit/test_refusals.py",
    ),
    # Exchanges --------------------------------------------------------------------------------------------------------
    _one(
        "a withdrawal leaves whatever ccxt wrote",
        f"{_EXCHANGE}/library.py",
        "        if not _same(told, wanted, withdrawing.amount):",
        "        if False:",
        _CCXT,
    ),
    _one(
        "ccxt sends it wherever it likes",
        f"{_EXCHANGE}/library.py",
        '            if not caught.signed.url.startswith(f"{self._base_url}/"):',
        "            if False:",
        _CCXT,
    ),
    _one(
        "ccxt asks as often as it likes",
        f"{_EXCHANGE}/library.py",
        "            if given > 1:",
        "            if given > 99:",
        _CCXT,
    ),
    _one(
        "a memo says more than a memo",
        f"{_EXCHANGE}/mapping.py",
        "    if destination.memo and not _is_plain(destination.memo):",
        "    if False:",
        _CCXT,
    ),
    _one(
        "a deposit elsewhere leaves without its memo",
        f"{_EXCHANGE}/mapping.py",
        "    if destination.kind in needs_memo and not destination.memo:",
        "    if False:",
        _WITHDRAWALS,
    ),
    _one(
        "an exchange's name for a withdrawal is trusted to stop a second one",
        f"{_EXCHANGE}/settings.py",
        "        dedupe=Dedupe.NONE,",
        "        dedupe=Dedupe.REPLAY,\n        lookup_is_authoritative=bool(row.history.by_client_id),",
        _WITHDRAWALS,
        "tests/vendors/exchange/test_life.py",
    ),
    _one(
        "the player bears the exchange's fee",
        f"{_EXCHANGE}/provider.py",
        "text_of(amount + terms.fee if wording.fee_inside else amount)",
        "text_of(amount)",
        _WITHDRAWALS,
    ),
    _one(
        "a fee above the quote's ceiling is paid",
        f"{_EXCHANGE}/terms.py",
        "        if fee.amount_minor > ceiling:",
        "        if False:",
        _WITHDRAWALS,
    ),
    _one(
        "somebody's withdrawal on an unfiltered list is ours",
        f"{_EXCHANGE}/history.py",
        "any(one.client_id != client_id(key) for one in entries)",
        "False",
        _WITHDRAWALS,
    ),
    _one(
        "an answer about another withdrawal is taken",
        f"{_EXCHANGE}/provider.py",
        "        if others or (amount is not None and amount != number(ask.arguments[1])):",
        "        if False:",
        _WITHDRAWALS,
    ),
    _one(
        "whatever is no list is an empty one",
        f"{_EXCHANGE}/client.py",
        "return path is None or isinstance(at(answer, path), list)",
        "return True",
        "tests/vendors/exchange/test_contract.py",
    ),
)
