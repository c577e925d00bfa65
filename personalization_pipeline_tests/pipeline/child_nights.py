"""The command in a process of its own, forked after the imports: a night costs seconds and may be killed.

Belongs here: starting such a process with its own environment, one more file to land, what nights are compared by. Does not belong here:
any expectation. The server that forks has imported everything and started no thread pool; so a fork of it is safe.
"""

from __future__ import annotations

import contextlib
import csv
import multiprocessing
import os
import random
import sys
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.warehouse import content_hash, published_connection

IMPORTED_FIRST = [
    "personalization_pipeline_tests.pipeline.child_nights",
    "personalization_pipeline.cli",
    "personalization_pipeline.definitions",
    "altair",
    "great_expectations",
    "scipy.optimize",
    "scipy.sparse.csgraph",
    "scipy.special",
    "sklearn.linear_model",
    "sklearn.metrics",
    "splink",
    "vl_convert",
]
SECONDS = 300
NEW_ORDER = "5000000000001"
# Half a day ahead of the machine, a language whose i has no dot when it is large, other sets and dictionaries.
ELSEWHERE = {
    "TZ": "Pacific/Kiritimati",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "PYTHONHASHSEED": "4711",
    "PERSONALIZATION_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
# The demo's night, and the one two weeks later.
FIRST, SECOND = "20260701T020000Z-r1", "20260715T020000Z-r1"
LATER = "2026-07-15T02:00:00Z"


@dataclass
class Command:
    """A running `personalize` command; `said` holds what it prints."""

    process: BaseProcess
    said: Path

    def end(self) -> tuple[int, str]:
        """Wait for its end: exit code (negative: the signal that killed it) and everything that it said."""
        self.process.join(SECONDS)
        assert self.process.exitcode is not None, "the command hangs"
        return self.process.exitcode, self.said.read_text(encoding="utf-8")


def forking() -> Any:
    """The context whose processes are forked from a server that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED_FIRST)
    return context


def start(*arguments: str, said: Path, **environment: str) -> Command:
    """Start `personalize <arguments>` with some variables of its environment set."""
    process = forking().Process(target=_command, args=(arguments, said, environment))
    process.start()
    return Command(process, said)


def run(*arguments: str, said: Path, **environment: str) -> tuple[int, str]:
    """`start`, then wait: exit code and words."""
    return start(*arguments, said=said, **environment).end()


def _command(arguments: tuple[str, ...], said: Path, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    time.tzset()
    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    from personalization_pipeline.cli import app

    app(list(arguments))


def july(project: Path, numbers: str = "7") -> Path:
    """Where `land_july` puts its file."""
    return project / "landing" / "shopify_orders" / f"2026-07-{numbers}.csv"


def land_july(project: Path, numbers: str = "7") -> None:
    """One more file: the orders of June again, a month later, under new numbers; the first one by a guest."""
    june = july(project).with_name("2026-06.csv").read_text(encoding="utf-8").replace("2026-06-", "2026-07-")
    rows = list(csv.DictReader(june.splitlines()))
    rows[0] |= {"Note Attributes": "", "Id": NEW_ORDER}
    with july(project, numbers).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"Name": row["Name"][:3] + numbers + row["Name"][3:]} for row in rows)


def record(project: Path) -> dict[str, Any]:
    """night.json of the current night."""
    store = Store(project / "store")
    return store.record(store.current())


def contents(project: Path) -> dict[str, str]:
    """The content hash of every table of the current night, computed anew from its two files."""
    store = Store(project / "store")
    night = store.current()
    assert night is not None
    with contextlib.closing(published_connection(night, private=True)) as connection:
        return {name: content_hash(connection, name) for name in sorted(store.record(night)["tables"])}


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path in it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def shuffle_landing(project: Path, seed: int) -> None:
    """The same landed files, made in another order, at other times; some lie elsewhere now."""
    chance = random.Random(seed)
    landed = sorted(path for path in (project / "landing").rglob("*") if path.is_file())
    chance.shuffle(landed)
    for number, path in enumerate(landed):
        content = path.read_bytes()
        path.unlink()
        place = path if number % 3 else project / "landing" / "done" / path.parent.name / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        moment = chance.randrange(10**9)
        os.utime(place, (moment, moment))
