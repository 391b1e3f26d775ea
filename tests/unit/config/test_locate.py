"""Lines are found for keys however TOML lets them be written."""

import pytest

from rewardrails.config.locate import line_of

TEXT = """# a comment
top = 1
[plain]
key = 2
"quoted key" = 3
dotted.deep.key = 4

[ spaced . 'name' ]   # trailing
key = 5
inline = { a = 1, b = 2 }

[[many]]
key = 6
[[many]]
key = 7
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("plain",), 3),
        (("plain", "key"), 4),
        (("plain", "quoted key"), 5),
        (("plain", "dotted"), 6),
        (("plain", "dotted", "deep", "key"), 6),
        (("spaced", "name"), 8),
        (("spaced", "name", "key"), 9),
        (("spaced", "name", "inline", "b"), 10),
        (("spaced", "name", "absent"), 8),
        (("many", 0, "key"), 13),
        (("many", 1, "key"), 15),
        (("many", 1, "absent"), 14),
        (("absent",), None),
        ((), None),
    ],
)
def test_line_of_a_key_or_the_nearest_table(path: tuple[str | int, ...], line: int | None) -> None:
    assert line_of(TEXT, path) == line
