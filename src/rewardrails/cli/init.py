"""`rewardrails init`: a configuration to start from."""

from importlib.resources import files
from pathlib import Path

from rewardrails.cli.needs import needs_nobody
from rewardrails.cli.session import Here
from rewardrails.config import Config
from rewardrails.errors import StateConflict


@needs_nobody("writes a file to start from")
def init(path: Path = Path("rewardrails.toml"), *, session: Here) -> None:
    """Write a commented configuration that pays by hand, in a test environment.

    Parameters
    ----------
    path
        Where to write it; a file that exists is left alone.
    """
    text = files("rewardrails.cli").joinpath("starter.toml").read_text(encoding="utf-8")
    Config.parse(text, source=str(path))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise StateConflict(f"{path} exists already and was left as it is: name another file") from None
    session.output.show(
        {"path": str(path)}, f"wrote {path}", "next: read it, then 'rewardrails config check' and 'rewardrails serve'"
    )
