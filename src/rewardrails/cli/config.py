"""`rewardrails config`: is the configuration right?"""

from cyclopts import App

from rewardrails.bootstrap import key_ring
from rewardrails.cli.needs import needs_nobody
from rewardrails.cli.session import Here
from rewardrails.config import Environment
from rewardrails.providers.registry import build_provider

app = App(name="config", help="The configuration.")


@app.command
@needs_nobody("reads files")
async def check(*, session: Here) -> None:
    """Read the configuration, its secrets and every enabled adapter's settings, without touching the database."""
    config = session.config()
    if config.environment is not Environment.TEST:  # there it is made when it is first needed
        key_ring(config, session.folder)
    for name, settings in config.providers.items():
        if settings.enabled:
            await build_provider(name, settings, config).close()
    lines = config.describe_switches()
    session.output.show({"ok": True, "switches": lines}, "the configuration is right", *lines)
