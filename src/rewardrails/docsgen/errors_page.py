"""The page of stable error codes; a refusal's `type` names one of its headings."""

from collections.abc import Iterator, Mapping

from rewardrails.docsgen.markdown import code, codes, table
from rewardrails.error_codes import CATALOGUE, ErrorClass
from rewardrails.errors import ErrorCode, RewardRailsError

CLASS_MEANINGS: Mapping[ErrorClass, str] = {
    ErrorClass.RETRYABLE: "goes on by itself, or works when tried again later",
    ErrorClass.NEEDS_PLAYER: "the player has to do something first",
    ErrorClass.NEEDS_OPERATOR: "one of us has to do something first",
    ErrorClass.TERMINAL: "this very request will never work; another one may",
    ErrorClass.UNKNOWN: "nobody knows yet whether value moved: never read as a failure",
}

_INTRO = """# Error codes

Decide by `code`; words may change. Adding a code is an entry in the changelog, changing what one means breaks callers.
An API refusal is a problem document (RFC 9457) whose `type` is `urn:rewardrails:error:CODE`; payouts, batch rows, events
and exceptions carry the same codes.
"""


def render() -> str:
    """The whole page."""
    overview = table(
        ("code", "class", "HTTP status"),
        (
            (f"[{code(each.value)}](#{each.value})", info.error_class.value, str(info.http_status))
            for each, info in CATALOGUE.items()
        ),
    )
    classes = table(("class", "meaning"), ((code(one.value), CLASS_MEANINGS[one]) for one in ErrorClass))
    return "\n".join((_INTRO, classes, overview, *(_section(each) for each in CATALOGUE)))


def _section(each: ErrorCode) -> str:
    info = CATALOGUE[each]
    raised = codes(sorted(one.__name__ for one in _exceptions() if one.code is each), none="`RewardRailsError`")
    rows = (
        ("class", code(info.error_class.value)),
        ("HTTP status", str(info.http_status)),
        ("exception", raised),
        ("to operators", info.operator_text),
        ("to players", info.player_text),
    )
    return f"## {each.value}\n\n" + table(("", ""), rows)


def _exceptions(parent: type[RewardRailsError] = RewardRailsError) -> Iterator[type[RewardRailsError]]:
    """Subclasses declared beside the catalogue, at any depth."""
    for child in parent.__subclasses__():
        if child.__module__ == RewardRailsError.__module__:
            yield child
            yield from _exceptions(child)
