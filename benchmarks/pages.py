"""What a benchmark writes into a page of docs/, between two marks that name it.

Belongs here: the marks. Does not belong here: any figure.
"""

from __future__ import annotations

from pathlib import Path

from personalization_pipeline.foundation.writes import Kind, write_text

DOCS = Path(__file__).parents[1] / "docs"
END = "<!-- end -->"


def begin(command: str) -> str:
    """The mark above what `python -m benchmarks.<command>` writes."""
    return f"<!-- begin: python -m benchmarks.{command} -->"


def between_marks(page: str, command: str, generated: str) -> str:
    """The page with what stands between the command's marks replaced."""
    before, rest = page.split(begin(command))
    _, after = rest.split(END, 1)
    return f"{before}{begin(command)}\n{generated}{END}{after}"


def write_between_marks(page: Path, command: str, generated: str) -> None:
    """Write a table into a page, and touch nothing else of it."""
    write_text(page, between_marks(page.read_text(encoding="utf-8"), command, generated), Kind.PROJECT)
