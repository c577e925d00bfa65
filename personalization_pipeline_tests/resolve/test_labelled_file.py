"""Files of unknown make: every usual encoding, delimiter and packing is found out, and what cannot be read is told."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.foundation.errors import LookAtTheData, MissingArgument
from personalization_pipeline.resolve.labelled.file import read_texts

TEXT = 'id,name,zip\n1,"Müller, Änne",02134\n2, Bob ,\n'
ROWS = [("1", "Müller, Änne", "02134"), ("2", "Bob", None)]


def rows_of(path: Path) -> list[tuple[str | None, ...]]:
    return read_texts(path).rows.select("id", "name", "zip").rows()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_csv_of_any_usual_encoding_is_read_as_text(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "people.csv").write_bytes(TEXT.encode(encoding))
    assert rows_of(tmp_path / "people.csv") == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_parts_every_line_alike(tmp_path: Path, delimiter: str) -> None:
    lines = [
        ["id", "name", "zip"],
        ["1", '"Müller, Änne"' if delimiter == "," else "Müller, Änne", "02134"],
        ["2", "Bob", ""],
    ]
    (tmp_path / "people.txt").write_text("\n".join(delimiter.join(line) for line in lines), encoding="utf-8")
    assert rows_of(tmp_path / "people.txt") == ROWS


def test_packed_files_and_line_ends_of_every_system_are_read(tmp_path: Path) -> None:
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(TEXT.replace("\n", "\r\n").encode()))
    assert rows_of(tmp_path / "people.csv.gz") == ROWS


def test_a_quoted_cell_may_hold_a_line_end_and_a_doubled_quote(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text('id,name,zip\n1,"Ann\n""the"" Berg",1\n', encoding="utf-8")
    assert rows_of(tmp_path / "people.csv") == [("1", 'Ann\n"the" Berg', "1")]


def test_parquet_of_any_types_is_read_as_text(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"id": [1, 2], "name": ["Müller, Änne", "Bob"], "zip": ["02134", ""], "born": ["1980-03-01", None]}
    )
    frame.with_columns(pl.col("born").str.to_date()).write_parquet(tmp_path / "people.parquet")
    read = read_texts(tmp_path / "people.parquet").rows
    assert read.select("id", "name", "zip", "born").rows() == [(*ROWS[0], "1980-03-01"), (*ROWS[1], None)]


def test_lines_with_too_few_or_too_many_cells_are_counted_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(TEXT + "3,Cleo\n4,Dora,1,2\n", encoding="utf-8")
    read = read_texts(tmp_path / "people.csv")
    assert (read.rows.height, read.ragged_count) == (2, 2)


def test_a_column_without_a_name_as_programs_write_row_numbers_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(",id,name,zip\n0,1,Bob,2\n", encoding="utf-8")
    assert read_texts(tmp_path / "people.csv").rows.columns == ["id", "name", "zip"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"id,name\n", "holds no rows"),
        (b"id,name,name\n1,a,b\n", "two columns named 'name'"),
        (b"PAR1 and then nothing of Parquet", "no parquet file"),
        (b"PK\x03\x04 as of a spreadsheet", "ZIP archive or a spreadsheet"),
        (b"\x1f\x8b\x08 cut off", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_file_and_a_remedy(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "people.csv").write_bytes(content)
    with pytest.raises(LookAtTheData, match=words) as refusal:
        read_texts(tmp_path / "people.csv")
    assert refusal.value.exit_code == 2
    assert str(refusal.value).startswith(str(tmp_path / "people.csv"))
    assert "save it as CSV in UTF-8" in refusal.value.fix


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(TEXT, encoding="utf-8")
    with pytest.raises(MissingArgument, match="no such file") as refusal:
        read_texts(tmp_path / "poeple.csv")
    assert refusal.value.fix == "did you mean people.csv?"
    with pytest.raises(MissingArgument, match="no such file"):
        read_texts(tmp_path / "nowhere" / "people.csv")
