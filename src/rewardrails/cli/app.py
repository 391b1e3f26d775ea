"""`rewardrails`: global options, the list of commands, and errors turned into words and exit codes."""

import asyncio
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter

import rewardrails
from rewardrails.cli.exits import ExitCode
from rewardrails.cli.output import Output

_EPILOGUE = (
    "Exit codes: 0 done, 1 refused, 2 usage, 3 configuration, 4 database unreachable, 5 the books do not balance."
)
_GLOBAL = Group("Global options", sort_key=1)

app = App(
    name="rewardrails",
    help="Pays game rewards out over interchangeable rails, exactly once.",
    help_epilogue=_EPILOGUE,
    version=rewardrails.__version__,
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
_NAMES = {"reconcile_findings:app": "findings"}
# Loaded when used: a command brings along only what it needs.
for _home, _help in {
    "serve:serve": "Run the API, a worker and the status page.",
    "worker:worker": "Run one more worker.",
    "init:init": "Write a commented configuration to start from.",
    "doctor:doctor": "Check everything and say what to do next.",
    "pools:app": "Budgets that rewards come out of.",
    "season:app": "A season's reward list: stage, start, report.",
    "payouts:app": "See payouts, and do what people may do to them.",
    "approvals:app": "Payouts that wait for people's approval.",
    "manual:app": "Payouts that people pay by hand.",
    "providers:app": "The rails, and how they are.",
    "reconcile:reconcile": "Hold what a provider or a bank says it paid against ours.",
    "reconcile_findings:app": "What reconciliations found, for people to look into.",
    "legal:app": "The legal register: which rails may pay what to where.",
    "players:app": "What the game knows of players: checks, distrust; erasing them.",
    "lists:app": "Destinations that may not, or only may, be paid.",
    "rates:app": "What assets are worth in the reference unit.",
    "pause:app": "Stop sending, and go on.",
    "events:app": "The sealed log.",
    "audit:app": "Verify the log, and take it along.",
    "operators:app": "People who sign in, and their roles.",
    "keys:app": "API keys.",
    "vault:app": "What stored data are sealed with.",
    "ledger:app": "Do the books balance?",
    "config:app": "Is the configuration right?",
}.items():
    app.command(f"rewardrails.cli.{_home}", name=_NAMES.get(_home, _home.partition(":")[0]), help=_help)
for _verb, _help in {
    "sign_in": "Sign in for the following commands.",
    "sign_out": "End that.",
    "whoami": "As whom do commands run?",
}.items():
    app.command(f"rewardrails.cli.sign_in:{_verb}", name=_verb.replace("_", "-"), help=_help)
app.command(
    "rewardrails.testing.fake_provider.__main__:app",
    name="fake-provider",
    help="Run a payout provider that is not one, to try things out.",
)


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Annotated[Path | None, Parameter(group=_GLOBAL)] = None,
    folder: Annotated[Path, Parameter(group=_GLOBAL)] = Path(".rewardrails"),
    machine: Annotated[bool, Parameter(name="--json", negative="", group=_GLOBAL)] = False,
    key: Annotated[
        str | None, Parameter(name="--as", env_var="REWARDRAILS_API_KEY", show_env_var=True, group=_GLOBAL)
    ] = None,
) -> int:
    """Pays game rewards out over interchangeable rails, exactly once.

    Parameters
    ----------
    config
        The configuration file; ./rewardrails.toml if it exists.
    folder
        Where the embedded database and generated local secrets are kept.
    machine
        Answer in JSON.
    key
        API key of whoever acts, or file:PATH of it; better given in the environment, where others cannot see it. People
        sign in instead: rewardrails sign-in.
    """
    output = Output(machine=machine)
    # Asking for help must not wait for the engine to be loaded.
    command, bound, ignored = app.parse_args(tokens)
    if command == app.help_print:
        command(*bound.args, **bound.kwargs)
        return ExitCode.OK
    from rewardrails.cli import edge  # noqa: PLC0415

    with edge.words_for_people(output) as outcome:
        call = edge.call_of(command, bound.arguments.values())
        session = edge.session(output, command, config=config, folder=folder, key=key, call=call)
        answer = command(*bound.args, **bound.kwargs, **dict.fromkeys(ignored, session))
        if inspect.iscoroutine(answer):
            answer = asyncio.run(answer)
        outcome.code = ExitCode(answer or ExitCode.OK)
    return outcome.code


def run(arguments: Sequence[str]) -> int:
    """Run one command; answers its exit code."""
    try:
        return int(
            app.meta(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
            or ExitCode.OK
        )
    except CycloptsError as error:
        output = Output()
        output.complain(str(error))
        output.say("  'rewardrails --help' and 'rewardrails COMMAND --help' say what there is")
        return ExitCode.USAGE


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
