"""Which pages are generated, and how they get onto the disk."""

from collections.abc import Mapping
from pathlib import Path

from rewardrails.docsgen import capabilities_page, errors_page, mappings_page, roles_page, states_page

MARK = "<!-- Made by `python -m rewardrails.docsgen`; edit the code instead. -->\n\n"


def render() -> dict[str, str]:
    """Every generated page by its path inside the documentation folder."""
    return {
        "reference/errors.md": MARK + errors_page.render(),
        "reference/states.md": MARK + states_page.render(),
        "reference/roles.md": MARK + roles_page.render(),
        "reference/capabilities.md": MARK + capabilities_page.render(),
        "reference/mappings.md": MARK + mappings_page.render(),
    }


def write(folder: Path, pages: Mapping[str, str]) -> list[Path]:
    """Write the pages that differ; answers their paths."""
    changed = stale(folder, pages)
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path.relative_to(folder).as_posix()], encoding="utf-8")
    return changed


def stale(folder: Path, pages: Mapping[str, str]) -> list[Path]:
    """Paths of pages that are missing or say something else."""
    return [folder / name for name, text in pages.items() if _read(folder / name) != text]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
