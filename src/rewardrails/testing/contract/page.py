"""The reference page of the contract, made of the declarations on its tests."""

from rewardrails.testing.contract.behaviour import Behaviour, catalogue
from rewardrails.testing.contract.suite import ProviderContract

MARK = "<!-- Made by `python -m rewardrails.testing.contract`; edit the code instead. -->\n"
INTRODUCTION = """\
# The provider contract

What every adapter does, numbered. Each behaviour is a test in `rewardrails.testing.contract`, and this page is made of
those tests. [Write an adapter](../howto/write-an-adapter.md) shows how to run them on yours.

Numbers are stable: one is never given to another behaviour. `pytest -k P-14` runs one of them.

What does not apply to an adapter follows from its declared capabilities, and the skipped test says from which. There is no
other way to leave one out. Payouts are counted in the journal of the vendor's double, never in what the adapter says.
"""


def render() -> str:
    """The page as Markdown."""
    return "\n".join([MARK, INTRODUCTION, *(_section(found) for found in catalogue(ProviderContract))])


def _section(found: Behaviour) -> str:
    return f"## {found.number} {found.title}\n\n{found.text}\n\nApplies {_when(found)}. Test: `{found.test}`.\n"


def _when(found: Behaviour) -> str:
    when = found.applies.when
    return when if when == "always" else f"where {when}"
