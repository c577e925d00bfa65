"""Where the seconds of a whole night go: its phases, and how much of it is spent outside the engines.

    python -m benchmarks.whole_night [--people 20000] [--folder DIR]

Belongs here: two nights of the demo world, the second with a day's news, each watched while it runs; the identity
artefact is learned before, since the demo's is of few records and would weigh too many pairs. Does not belong
here: what single tables cost (incremental_night). Every hundredth of a second the main thread is looked at: it is inside
an engine where its stack holds a frame of Splink or scikit-learn, or where the line it stands on hands work to DuckDB.
All else is overhead: our own Python, Polars, Dagster, Great Expectations, rendering, hashing, plots. A look counts for
the time since the last one: whoever holds the interpreter lets nobody look meanwhile.
"""

from __future__ import annotations

import argparse
import linecache
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from benchmarks.learning import learn_identity
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.running import run_night
from personalization_pipeline.starting import start_demo

EVERY = 0.01  # seconds between two looks
NIGHTS = ("2026-07-01", "2026-07-02")
LIBRARIES = {"splink": "Splink", "sklearn": "scikit-learn"}
# Lines that wait for DuckDB, here or in the process that writes the analysts' file.
DUCKDB = re.compile(r"\.(execute|executemany|fetch\w*|pl|arrow|to_arrow_table|sql|register|close)\(|subprocess\.run\(")
OWN = ("foundation/warehouse.py", "foundation/clean_copy.py")


def engine_of(frame: FrameType | None) -> str:
    """The engine that a stack waits for, else the package of its innermost frame that is not Python's own."""
    first = ""
    while frame is not None:
        path = frame.f_code.co_filename
        for library, name in LIBRARIES.items():
            if f"/site-packages/{library}/" in path:
                return name
        if path.endswith(OWN) or "personalization_pipeline" in path:
            line = linecache.getline(path, frame.f_lineno or 0)  # between two lines it stands on none
            if DUCKDB.search(line) and not first.startswith("/"):
                return "DuckDB"
        found = re.search(r"/site-packages/([^/]+)/|/(personalization_pipeline/[^/]+)", path)
        first = first or (found[1] or found[2] if found else "")
        frame = frame.f_back
    return first or "Python"


class Watch:
    """Counts where the main thread is while a block runs."""

    def __enter__(self) -> Watch:
        self.seen: Counter[str] = Counter()  # milliseconds
        self.is_over = threading.Event()
        self.main = threading.get_ident()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.thread.join()

    def _look(self) -> None:
        last = time.monotonic_ns()
        while not self.is_over.wait(EVERY):
            now = time.monotonic_ns()
            self.seen[engine_of(sys._current_frames().get(self.main))] += (now - last) // 1_000_000
            last = now


def main() -> None:
    """Print the closing table of both nights, and the share of each engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="whole_night_")) / "shop"
    if not folder.exists():
        start_demo(folder, people=asked.people, nights=len(NIGHTS), seed=7)
        learn_identity(folder, datetime.fromisoformat(NIGHTS[0]))
    console = Console(width=120)
    for number, night in enumerate(NIGHTS):
        if number:
            shutil.copytree(folder / "arrivals" / night, folder / "landing", dirs_exist_ok=True)
        with Watch() as watch:
            run_night(load_project(folder), night, train=False, out=console, err=console)
        total = watch.seen.total()
        engines = sum(watch.seen[name] for name in ("DuckDB", *LIBRARIES.values()))
        shares = ", ".join(f"{name} {count / total:.1%}" for name, count in watch.seen.most_common(9))
        console.print(
            f"night {number + 1}: outside the engines {1 - engines / total:.1%} ({shares}) of {total / 1000:.1f} s"
        )


if __name__ == "__main__":
    main()
