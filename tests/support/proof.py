"""What a test proves, and how many trials it made: the raw material of docs/promises.md.

`@pytest.mark.promise("G1")` and `@pytest.mark.incident("I4")` name what a test shows. A test that tries many times tells
`trials(n)` how many; a test that does not is one trial.
"""

from collections.abc import Callable

import pytest

TRIALS: pytest.StashKey[int] = pytest.StashKey()


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Tell how many independent trials this test made; called again, the numbers add up."""

    def told(count: int) -> None:
        request.node.stash[TRIALS] = request.node.stash.get(TRIALS, 0) + count

    return told
