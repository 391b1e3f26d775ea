"""Command line: `python -m rewardrails.testing.contract` writes `docs/reference/contract.md`."""

from pathlib import Path

from rewardrails.testing.contract.page import render

PAGE = Path("docs/reference/contract.md")

if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
