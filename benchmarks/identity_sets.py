"""Three labelled sets through `personalize evaluate identity`, as anybody would run it: one process each, no configuration.

    python -m benchmarks.identity_sets [--data DIR]          writes the table into docs/identity.md

Belongs here: which sets, and the table. Does not belong here: what is measured (foundation.group_score).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.pages import DOCS, write_between_marks

PAGE = DOCS / "identity.md"
DATA = Path(__file__).parents[2] / "shared" / "data" / "identity"
SETS = ("psp_multi", "historical_50k", "fake_1000")
IDS = ("--id", "record_id", "--truth", "true_id")
HOUSEHOLDS = {"psp_multi": ("--household", "household_id")}


def evaluated(path: Path) -> dict[str, Any]:
    """The figures of one set; what the command says goes to stderr."""
    command = [sys.executable, "-m", "personalization_pipeline.cli", "evaluate", "identity", str(path), *IDS, "--json"]
    command += HOUSEHOLDS.get(path.stem, ())
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return told


def table(found: dict[str, dict[str, Any]]) -> str:
    """Markdown: one column per set."""
    rows: list[tuple[str, list[str]]] = [
        ("records", [f"{told['record_count']:,}" for told in found.values()]),
        (
            "people: true, found",
            [f"{told['score']['person_count']:,}, {told['cluster_count']:,}" for told in found.values()],
        ),
    ]
    for words, name in (("pairs", "pair"), ("B-cubed", "bcubed")):
        parts = [[told["score"][f"{name}_{part}"] for part in ("precision", "recall", "f1")] for told in found.values()]
        rows.append(
            (f"{words}: precision / recall / **F1**", [f"{p:.4f} / {r:.4f} / **{f:.4f}**" for p, r, f in parts])
        )
    for words, name in (
        ("people found exactly", "exact_entity_share"),
        ("of those with several records", "exact_multi_record_entity_share"),
        ("records in clusters of two people or more", "over_merged_record_share"),
    ):
        rows.append((words, [f"{told['score'][name]:.4f}" for told in found.values()]))
    homes = [told["households"] for told in found.values()]
    rows += [
        (f"households: {words} F1", ["" if home is None else f"{home[name]:.4f}" for home in homes])
        for words, name in (("pairs", "pair_f1"), ("B-cubed", "bcubed_f1"))
    ]
    rows += [
        (
            "wrong merges: expected without the truth, measured",
            [
                f"{told['expected_false_share']:.4f}, {1 - told['score']['pair_precision']:.4f}"
                for told in found.values()
            ],
        ),
        ("largest cluster", [f"{told['score']['largest_cluster']}" for told in found.values()]),
        ("true pairs that blocks reach", [f"{told['blocking_recall']:.4f}" for told in found.values()]),
        ("pairs looked at, per record", [f"{told['pairs_per_record']:.1f}" for told in found.values()]),
        ("seconds (two cores)", [f"{sum(told['seconds'].values()):.0f}" for told in found.values()]),
        ("peak memory, MiB", [f"{told['peak_memory_mib']:,}" for told in found.values()]),
    ]
    lines = [("figure", list(found)), ("---", ["---"] * len(found)), *rows]
    return "".join(f"| {words} | {' | '.join(cells)} |\n" for words, cells in lines)


def main() -> None:
    """Run the sets one after the other and write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the sets")
    folder: Path = parser.parse_args().data
    missing = [name for name in SETS if not (folder / f"{name}.parquet").is_file()]
    if missing:
        sys.exit(f"{folder}: there is no {', '.join(missing)}\nFix: --data FOLDER of the labelled sets")
    made = table({name: evaluated(folder / f"{name}.parquet") for name in SETS})
    write_between_marks(PAGE, "identity_sets", made)
    print(made)


if __name__ == "__main__":
    main()
