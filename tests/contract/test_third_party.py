"""An adapter of another package keeps the contract, and every way of spoiling it turns the right numbers red.

The sample package is built and installed beside RewardRails into a folder of its own; the project's code does not know it.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "acme-rail"
RUN_SECONDS = 120
# Plugins of the project's own tests, which cost more to start than the sample's tests to run.
UNWANTED = [
    f"-pno:{name}"
    for name in ("cacheprovider", "anyio", "faker", "hypothesispytest", "schemathesis", "xdist", "xdist.looponfail")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoilt:
    """One mistake: in `module` of the sample, `old` becomes `new`; `breaks` are numbers that must then be broken."""

    mistake: str
    module: str
    old: str
    new: str
    breaks: set[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run of the sample's own tests ended with."""

    code: int
    kept: set[str]
    broken: set[str]
    not_applicable: dict[str, str]
    words: str


SPOILT = [
    Spoilt(
        mistake="sends no key",
        module="provider",
        old=", key=order.rail_key)\n        except",
        new=")\n        except",
        breaks={"P-14", "P-15", "P-16", "P-18", "P-19", "P-30"},
    ),
    Spoilt(
        mistake="takes a 500 for a refusal",
        module="provider",
        old="        line = certainty.of_status(reply, certainty.evidence_of(reply))\n",
        new="        if reply.status >= 500:\n"
        "            return Rejected(code=ErrorCode.PROVIDER_UNAVAILABLE, retryable=True)\n"
        "        line = certainty.of_status(reply, certainty.evidence_of(reply))\n",
        breaks={"P-25"},
    ),
    Spoilt(
        mistake="takes silence for a refusal",
        module="provider",
        old="            return certainty.of_error(error)\n",
        new="            return Rejected(code=ErrorCode.PROVIDER_UNAVAILABLE, retryable=True)\n",
        breaks={"P-12", "P-24", "P-29"},
    ),
    Spoilt(
        mistake="tries again by itself",
        module="provider",
        old="        except (NeverSent, MaybeSent) as error:\n            return certainty.of_error(error)\n",
        new="        except (NeverSent, MaybeSent):\n            return await self.create_payout(order)\n",
        breaks={"P-11", "P-24"},
    ),
    Spoilt(
        mistake="does not compare the answer with the order",
        module="provider",
        old="    if (seen.rail_key, seen.amount, seen.destination) != (order.rail_key, order.amount, order.destination):\n",
        new="    if not seen.rail_key:\n",
        breaks={"P-27"},
    ),
    Spoilt(
        mistake="takes 404 for absence",
        module="provider",
        old="        if reply.status != 200:\n",
        new="        if reply.status == 404:\n            return Absent()\n        if reply.status != 200:\n",
        breaks={"P-37"},
    ),
    Spoilt(
        mistake="declares a capability that it does not have",
        module="provider",
        old="    async def cancel(",
        new="    async def take_back(",
        breaks={"P-01"},
    ),
    Spoilt(
        mistake="declares a shorter lag than there is",
        module="provider",
        old="lookup_lag=timedelta(minutes=1)",
        new="lookup_lag=timedelta(0)",
        breaks={"P-31", "P-38"},
    ),
    Spoilt(
        mistake="sends amounts through a float",
        module="mapping",
        old="cents=order.amount.amount_minor",
        new="cents=int(order.amount.amount_minor / 100 * 100)",
        breaks={"P-10"},
    ),
    Spoilt(
        mistake="reads amounts into a float",
        module="mapping",
        old="amount_minor=transfer.cents",
        new="amount_minor=transfer.cents / 1",
        breaks={"P-08"},
    ),
    Spoilt(
        mistake="takes a status nobody has heard of for a failure",
        module="mapping",
        old="STATES.get(transfer.state, ObservedStatus.UNKNOWN)",
        new="STATES.get(transfer.state, ObservedStatus.FAILED)",
        breaks={"P-34", "P-53"},
    ),
    Spoilt(
        mistake="ignores the signature",
        module="webhook",
        old="if found is None or not hmac.compare_digest(",
        new="if found is None or not (lambda *_: True)(",
        breaks={"P-48", "P-49"},
    ),
    Spoilt(
        mistake="believes old notices",
        module="webhook",
        old="> TOLERANCE_SECONDS",
        new="> 10**9",
        breaks={"P-50"},
    ),
    Spoilt(
        mistake="quotes its secret in an error",
        module="webhook",
        old="\"the notice's signature does not hold: check",
        new='f"the notice is not signed with {secret.reveal()}: check',
        breaks={"P-57"},
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RewardRails and the sample, built and installed into an empty folder, without a network."""
    folder = tmp_path_factory.mktemp("third-party")
    arguments = ["--offline", "--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
    arguments += ["--compile-bytecode", "--python", sys.executable]
    subprocess.run(
        [uv.find_uv_bin(), "pip", "install", *arguments, "--target", str(folder / "site"), str(ROOT), str(SAMPLE)],
        env={**os.environ, "UV_CACHE_DIR": str(folder / "cache")},
        check=True,
    )
    shutil.copytree(SAMPLE / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SAMPLE / "pyproject.toml", folder / "pyproject.toml")
    return folder / "site"


def test_the_sample_adapter_keeps_the_whole_contract(site: Path) -> None:
    result = run(site)

    assert result.code == 0, result.words
    assert result.broken == set()
    assert len(result.kept) + len(result.not_applicable) >= 68
    unlisted = dict.fromkeys(("P-65", "P-66", "P-67", "P-68"), "statements is none: there is no list to ask for")
    assert result.not_applicable == {"P-56": "webhooks is signed_full, not an unsigned hint"} | unlisted


@pytest.mark.incident("I4", "I9", "I15", "I23", "I25", "I27")
@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: spoilt.mistake)
def test_an_adapter_with_a_mistake_breaks_the_numbers_that_forbid_it(
    site: Path, tmp_path: Path, spoilt: Spoilt
) -> None:
    shutil.copytree(site / "acme_rail", tmp_path / "acme_rail", ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "acme_rail" / f"{spoilt.module}.py"
    source = module.read_text()
    assert source.count(spoilt.old) >= 1, "the sample has changed: say the mistake anew"
    module.write_text(source.replace(spoilt.old, spoilt.new, 1))

    result = run(site, before=tmp_path)

    assert result.code == 1, result.words
    assert spoilt.breaks <= result.broken, f"broken were only {sorted(result.broken)}"
    assert len(result.kept) > len(result.broken), "one mistake breaks more than half of the contract"


def test_the_project_does_not_know_the_sample() -> None:
    knowing = [path for path in (ROOT / "src").rglob("*.py") if "acme" in path.read_text(encoding="utf-8").lower()]

    assert knowing == []


def run(site: Path, *, before: Path | None = None) -> Result:
    """Run the sample's own tests against what is installed; modules in `before` are found first."""
    folder = before or site.parent
    report = folder / "report.json"
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    path = os.pathsep.join(str(place) for place in (before, site) if place)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=line", *UNWANTED),
            *(f"--basetemp={folder / 'base'}", f"--contract-report={report}"),
        ],
        cwd=site.parent,
        env={**kept, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    words = ended.stdout + ended.stderr
    assert report.exists(), words
    (found,) = json.loads(report.read_text()).values()
    return Result(
        code=ended.returncode,
        kept=set(found["kept"]),
        broken=set(found["broken"]),
        not_applicable=found["not_applicable"],
        words=words,
    )
