"""What the doctor looks at around keys: whether an old master key is still needed."""

from collections.abc import Sequence

from rewardrails.cli.findings import Finding, Level
from rewardrails.engine.reseal import keys_in_use
from rewardrails.facade import RewardRails
from rewardrails.security.data_keys import stored_keys


async def master_keys(rails: RewardRails) -> Sequence[Finding]:
    """Which master keys are needed, and which can be taken out of the configuration."""
    ring = rails.core.ring
    if ring is None:
        return []
    rows = await stored_keys(rails.core.database)
    needed = {row["wrapped_by"] for row in rows if row["retired_at"] is None}
    old = sorted(needed - {ring.current.name})
    if old:
        do = "once every process has the new configuration: rewardrails vault reseal"
        found = f"{', '.join(old)} is still needed beside {ring.current.name}"
        return [Finding(level=Level.WARNING, about="master keys", found=found, do=do)]
    spare = sorted(ring.by_name.keys() - needed)
    if spare:
        found, do = (
            f"{', '.join(spare)} is no longer needed",
            "take it out of [security] old_master_keys, keep it with its backups",
        )
        return [Finding(level=Level.OK, about="master keys", found=found, do=do)]
    return [Finding(level=Level.OK, about="master keys", found=f"{ring.current.name} opens everything")]


async def seals(rails: RewardRails) -> Sequence[Finding]:
    """What every stored value is sealed with; reads every table."""
    old = sorted(await keys_in_use(rails.core))
    if not old:
        return [Finding(level=Level.OK, about="seals", found=f"everything is sealed with {rails.core.vault.key_id}")]
    found = f"something is still sealed with {', '.join(key or 'no key at all' for key in old)}"
    return [Finding(level=Level.WARNING, about="seals", found=found, do="rewardrails vault reseal")]
