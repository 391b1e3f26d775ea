"""What the doctor looks at around the audit log."""

from rewardrails.cli.findings import Finding, Level
from rewardrails.cli.output import duration
from rewardrails.config import Environment
from rewardrails.events.audit import unsigned
from rewardrails.events.verify import verify_log
from rewardrails.facade import RewardRails


async def checkpoints(rails: RewardRails) -> list[Finding]:
    """Whether what was sealed is signed in time, in a place that somebody chose."""
    audit = rails.core.audit
    if audit is None:
        return []
    found = await unsigned(rails.core.database, audit)
    words = f"{found.events} sealed events are not signed, the oldest for {duration(found.oldest_seconds)}"
    if found.events < 0:
        words = f"the log is {-found.events} events shorter than what was signed"
    late = Finding(
        level=Level.PROBLEM if found.is_late else Level.OK,
        about="checkpoints",
        found=words,
        do="rewardrails audit verify; if the log is whole: is a worker running, can it write there?"
        if found.is_late
        else "",
    )
    if audit.configured or rails.core.config.environment is Environment.TEST:
        return [late]
    made_up = Finding(
        level=Level.WARNING,
        about="checkpoints",
        found="signing key or folder are not configured: made up from the master key and the working folder",
        do="set [audit] signing_key and checkpoints, the folder where the database's administrators cannot write",
    )
    return [late, made_up]


async def whole_log(rails: RewardRails) -> list[Finding]:
    """Every event recomputed, every checkpoint and payout compared."""
    audit = rails.core.audit
    report = await verify_log(
        rails.core.database,
        checkpoints=audit.store if audit else None,
        believed=audit.believed if audit else None,
    )
    if report.fault is None:
        found = f"{report.events} events, whole; signed up to {report.signed_to}"
        return [Finding(level=Level.OK, about="audit log", found=found)]
    return [
        Finding(
            level=Level.PROBLEM,
            about="audit log",
            found=report.fault.words,
            do="keep database and checkpoints as they are; the runbook 'Log does not verify' says what to do",
        )
    ]
