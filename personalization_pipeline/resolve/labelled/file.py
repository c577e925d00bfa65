"""A file of unknown make as rows of text: CSV in any usual encoding and delimiter, packed or not, or Parquet.

Belongs here: finding out how the bytes are to be read, which ingest is told by a source. Does not belong here: reading
them (ingest.rows), and what the columns mean (columns).
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.declarations import FileFormat, Source
from personalization_pipeline.foundation.errors import LookAtTheData, MissingArgument, SourceRefused
from personalization_pipeline.foundation.project import nearest
from personalization_pipeline.foundation.warehouse import EngineError, frame, scratch_connection
from personalization_pipeline.ingest.rows import Rows, open_rows, unpacked, unreadable_told

DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 20  # lines
BLOCK = 1 << 20  # bytes
READABLE = "save it as CSV in UTF-8 with one header line, or as Parquet"


@dataclass(frozen=True)
class Texts:
    """The rows of a file, every cell as text, trimmed, null where blank; and how many lines were no rows."""

    rows: pl.DataFrame
    ragged_count: int
    how: str


def read_texts(path: Path) -> Texts:
    """Read a whole file. LookAtTheData where it cannot be read, MissingArgument where there is none."""
    if not path.is_file():
        there = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise MissingArgument("there is no such file", fix=nearest(path.name, there), where=path)
    connection = scratch_connection()
    try:
        connection.execute("SET preserve_insertion_order = true")
        form = _format(path)
        names = [name for name in _open(connection, path, form, ["-"]).extra_columns if name]
        opened = _open(connection, path, form, names or ["-"])
        with unreadable_told(_source(path, form, names), path):
            rows = frame(connection, opened.relation)
    except SourceRefused as refused:
        raise LookAtTheData(refused.problem, fix=READABLE, where=path) from None
    except (OSError, EngineError):
        raise LookAtTheData("cannot be read", fix=READABLE, where=path) from None
    finally:
        connection.close()
    if not rows.height:
        raise LookAtTheData("holds no rows", fix="name a file with one row per record", where=path)
    how = "Parquet" if form.type == "parquet" else f"CSV, {form.encoding}, cells parted by {form.delimiter!r}"
    return Texts(rows, len(opened.ragged), how)


def _open(connection: object, path: Path, form: FileFormat, names: list[str]) -> Rows:
    return open_rows(connection, path, _source(path, form, names), path)  # type: ignore[arg-type]


def _source(path: Path, form: FileFormat, names: list[str]) -> Source:
    """A declaration of what nobody declared: any of these columns, as text."""
    return Source(
        description="labelled records",
        owner="nobody",
        party="first",
        legal_basis="evaluation",
        files=path.name,
        format=form,
        columns=dict.fromkeys(names, "optional"),
        rows_are="contacts",
        maps={},
    )


def _format(path: Path) -> FileFormat:
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return FileFormat(type="parquet")
    if start[:4] == b"PK\x03\x04":
        raise LookAtTheData("is a ZIP archive or a spreadsheet", fix=READABLE, where=path)
    encoding = _encoding(path, start)
    return FileFormat(encoding=encoding, delimiter=_delimiter(path, encoding))


def _encoding(path: Path, start: bytes) -> str:
    """UTF-8 if all of it is, UTF-16 if it begins so, else what Windows wrote in Western Europe."""
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with unpacked(path) as file:
                while block := file.read(BLOCK):
                    decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeError:
            continue
        return encoding
    return "latin-1"


def _delimiter(path: Path, encoding: str) -> str:
    """What parts the cells of the first lines into the most columns, the same number in each line of the file's start."""
    with unpacked(path) as file:
        text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(file.read(BLOCK))

    def columns(delimiter: str) -> tuple[int, int]:
        try:
            lines = list(itertools.islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), LOOKED_AT))
        except csv.Error:
            return 0, 0
        counts = [len(line) for line in lines if line] or [0]
        return (counts[0] if counts[0] > 1 else 0) * counts.count(counts[0]), counts[0]

    return max(DELIMITERS, key=columns)
