"""How every command talks: where it prints, how it says no, and the options that several of them have.

Belongs here: consoles, refusals in words, progress, shared options. Does not belong here: commands (cli, cli_evaluate).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from personalization_pipeline.foundation.errors import PipelineError

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)

ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", "-p", help="Project folder (default: PERSONALIZATION_PROJECT, else data/demo)"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table")]


def told(command: Callable[..., None]) -> Callable[..., None]:
    """Refusals in words, on stderr, with their exit code; never a traceback for what somebody can mend."""

    @functools.wraps(command)
    def _told(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except PipelineError as error:
            err.print(str(error), style="red", markup=False)
            raise typer.Exit(error.exit_code) from None

    return _told


def progress(since: float) -> Callable[[str], None]:
    """Says on stderr what is done, once it takes long enough for somebody to wonder."""

    def _say(done: str) -> None:
        if (seconds := time.monotonic() - since) > 5:
            err.print(f"[dim]{seconds:6.0f} s[/]  {done}")

    return _say
