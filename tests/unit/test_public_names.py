"""What other people's code may import from the package; taking a name away breaks them."""

import re
import subprocess
import sys
from importlib.resources import files

import pytest

import rewardrails

PUBLIC = [
    "Capabilities",
    "Config",
    "ErrorCode",
    "FundingSource",
    "Money",
    "PayoutState",
    "Reward",
    "RewardPayoutProvider",
    "RewardRails",
    "RewardRailsError",
    "__version__",
]


def test_the_public_names_are_exactly_these():
    assert sorted(rewardrails.__all__) == PUBLIC
    assert dir(rewardrails) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_leads_to_something(name):
    assert getattr(rewardrails, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'RewardRail'"):
        rewardrails.RewardRail  # noqa: B018


def test_type_checkers_see_the_same_names():
    stub = files("rewardrails").joinpath("__init__.pyi").read_text()
    assert sorted({*re.findall(r" as (\w+)$", stub, re.MULTILINE), "__version__"}) == PUBLIC


def test_importing_the_package_brings_no_module_along():
    """A game backend that only checks the version, or an API process that imports the package, must not pay for all."""
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, rewardrails; print([m for m in sys.modules if m.startswith('rewardrails')])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.strip() == "['rewardrails']"
