"""The analysts' file as it is published: written by a process that has never held anything else.

The engine leaves the unused ends of its blocks as its memory was. A process that has read addresses therefore writes some
of them, now and then, into a file whose tables hold none. So the tables go out as Parquet, which has no unused ends, and
a new process makes the file of them.

Belongs here: that copy. Does not belong here: when it is made (foundation.night).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from personalization_pipeline.foundation.errors import TryAgain
from personalization_pipeline.foundation.exports import put_export
from personalization_pipeline.foundation.warehouse import SCRATCH, Connection, Limits, file_connection, literal, query
from personalization_pipeline.foundation.writes import Kind, make_folder, move, write_text

COMMENTS = """
SELECT 'COMMENT ON TABLE "' || table_name || '" IS ' || quoted.text || ';'
FROM duckdb_tables(), (SELECT '''' || replace(comment, '''', '''''') || '''' AS text) AS quoted
WHERE database_name = 'warehouse' AND comment IS NOT NULL
UNION ALL
SELECT 'COMMENT ON COLUMN "' || table_name || '"."' || column_name || '" IS ' || quoted.text || ';'
FROM duckdb_columns(), (SELECT '''' || replace(comment, '''', '''''') || '''' AS text) AS quoted
WHERE database_name = 'warehouse' AND comment IS NOT NULL
ORDER BY 1
"""


def export(connection: Connection, folder: Path) -> None:
    """Write the tables and comments of the connection's `warehouse` below the scratch of a night."""
    tables = folder / SCRATCH / "analysts"
    make_folder(tables)
    put_export(connection, "warehouse", tables)
    comments = [text for (text,) in query(connection, COMMENTS)]
    write_text(tables / "comments.sql", "\n".join(comments) + "\n", Kind.ANALYSTS)


def replace(folder: Path, limits: Limits) -> None:
    """Put a file made of these tables, by a process of its own, in the place of the one that was built."""
    fresh = folder / SCRATCH / "warehouse.duckdb"
    arguments = [str(folder / SCRATCH / "analysts"), str(fresh), str(limits.threads or 0), limits.memory or ""]
    done = subprocess.run([sys.executable, "-m", __name__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it was killed"])[-1].partition(":")[0]
        raise TryAgain(
            f"the analysts' file could not be written anew ({reason})",
            fix="see that memory and disk suffice, then run again",
            where=folder,
        )
    move(fresh, folder / "warehouse.duckdb", Kind.ANALYSTS)


def _make(tables: str, fresh: str, threads: str, memory: str) -> None:
    connection = file_connection(Path(fresh), Limits(int(threads) or None, memory or None))
    connection.execute(f"IMPORT DATABASE {literal(tables)}")
    connection.execute((Path(tables) / "comments.sql").read_text(encoding="utf-8"))
    connection.execute("CHECKPOINT")
    connection.close()


if __name__ == "__main__":
    _make(*sys.argv[1:])
