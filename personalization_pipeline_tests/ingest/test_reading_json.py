"""NDJSON: a column is a path into each line's object, nested or not; what is absent, null or no object is told apart."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.errors import SourceRefused
from personalization_pipeline.foundation.warehouse import Limits
from personalization_pipeline.ingest.reading import FileSummary, read_file

SOURCE = {
    "description": "calls of a tracking library",
    "owner": "team:web",
    "party": "first",
    "legal_basis": "consent",
    "files": "calls/*.ndjson*",
    "format": {"type": "ndjson"},
    "columns": {"id": "required", "at": "required", "user.id": "optional", "list": "optional"},
    "rows_are": "events",
    "maps": {
        "events": {
            "event_id": "id",
            "record_id": '"user.id"',
            "kind": "'page'",
            "occurred_at": "utc(at, '%Y-%m-%dT%H:%M:%S.%gZ')",
            "properties": "json_extract_string(list, '$[1].sku')",
        }
    },
}
LINES = """{"id":"a","at":"2026-06-01T10:00:00.250Z","user":{"id":"7"},"list":[{"sku":"x"},{"sku":"y"}],"more":1}
{"id":"b","at":"2026-06-01T10:00:00.250Z","user":null,"list":null}
{"at":"2026-06-01T10:00:01.000Z","user":{},"id":3}
"""


def read(tmp_path: Path, name: str, content: bytes) -> FileSummary:
    path = tmp_path / name
    path.write_bytes(content)
    return read_file(
        path, "calls", Source.model_validate(SOURCE), Path("calls.yaml"), tmp_path / "facts", Limits(threads=1)
    )


def facts(tmp_path: Path) -> list[tuple[object, ...]]:
    return duckdb.sql(
        f"SELECT event_key, record_key, properties, strftime(occurred_at, '%S.%g') FROM read_parquet('{tmp_path}/facts/events.parquet') ORDER BY 1"
    ).fetchall()


def test_nested_fields_lists_and_nulls_are_read(tmp_path: Path) -> None:
    summary = read(tmp_path, "calls.ndjson", LINES.encode())
    assert (summary.row_count, summary.rejected_count) == (3, 0)
    assert facts(tmp_path) == [
        ("calls:3", None, None, "01.000"),
        ("calls:a", "calls:7", "y", "00.250"),
        ("calls:b", None, None, "00.250"),
    ]


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_compressed_file_is_read_like_a_plain_one(ending: str, tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.ndjson", tmp_path / f"packed.ndjson.{ending}"
    plain.write_text(LINES, encoding="utf-8")
    lines = f"read_csv('{plain}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', header = false)"
    duckdb.execute(f"COPY (FROM {lines}) TO '{packed}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\x01')")
    assert packed.read_bytes() != plain.read_bytes()
    assert read(tmp_path, "again." + packed.name, packed.read_bytes()).row_count == 3
    assert len(facts(tmp_path)) == 3


@pytest.mark.parametrize("kept", [10, -10])
def test_a_compressed_file_that_broke_off_is_refused(kept: int, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="is no ndjson file that can be read"):
        read(tmp_path, "calls.ndjson.gz", gzip.compress(LINES.encode())[:kept])


def test_a_missing_key_refuses_the_row_and_keeps_the_line(tmp_path: Path) -> None:
    summary = read(tmp_path, "calls.ndjson", b'{"id":"a"}\n{"id":"b","at":"2026-06-01T10:00:00.000Z"}\n')
    refused = duckdb.sql(f"SELECT reasons, line FROM read_parquet('{tmp_path}/facts/rejects.parquet')").fetchall()
    assert (summary.row_count, summary.rejected_count) == (2, 1)
    assert refused == [("occurred_at missing", '{"id":"a"}')]


def test_a_line_that_is_no_json_is_refused_alone(tmp_path: Path) -> None:
    summary = read(tmp_path, "calls.ndjson", LINES.encode() + b'{"id":"c","at":"2026-06-01T10:00\n')
    assert (summary.row_count, summary.rejected_count) == (4, 1)
    assert len(facts(tmp_path)) == 3
