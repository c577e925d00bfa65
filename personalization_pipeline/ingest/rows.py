"""Bytes to rows of text: encodings, headers, quotes, line ends, and lines that are no rows.

Belongs here: what a CSV, NDJSON or Parquet file says, as one text column per column that its source declares.
Does not belong here: what the text means (ingest.mapping), and what becomes of a row (ingest.reading).

A text file is decoded strictly and streamed block by block. Where a row ends is decided as Python's csv module does:
a quoted cell may hold line ends, a quote inside an unquoted cell is a character, blank lines are none.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyarrow import ArrowInvalid, CompressedInputStream, NativeFile, OSFile
from pyarrow import csv as arrow_csv
from pyarrow import string as text_type

from personalization_pipeline.foundation.declarations import FileFormat, Source
from personalization_pipeline.foundation.errors import SourceRefused
from personalization_pipeline.foundation.project import nearest
from personalization_pipeline.foundation.warehouse import Connection, EngineError, literal, named, query

LONGEST_LINE = 4 << 20
# Text files may land packed. What they begin with tells it: the ending of a name says nothing.
PACKINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
# Lines that are no rows are held in memory while their file is read; a file full of them is refused.
MOST_RAGGED = 100_000
AGAIN = "land the file again, or remove it"


@dataclass(frozen=True)
class Rows:
    """The rows of one file, as SQL over a connection.

    `relation` has one VARCHAR column per declared column, trimmed, NULL where blank. Over it, `line` is a row as text
    and `problem` what is wrong with the row as a whole, or NULL. `ragged` fills while `relation` is read: lines that
    are no rows, as (number of the row in the file, from 1; what was wrong; text).
    """

    relation: str
    line: str
    problem: str
    extra_columns: list[str]
    ragged: list[tuple[int, str, str]] = field(default_factory=list)


def open_rows(c: Connection, path: Path, source: Source, where: Path) -> Rows:
    """Begin to read a file; `where` is its source's file, for remedies. Raises SourceRefused, OSError."""
    if not path.stat().st_size:
        raise SourceRefused("is empty", fix=AGAIN)
    opened = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}[source.format.type]
    with unreadable_told(source, where):
        return opened(c, path, source, where)


@contextmanager
def unreadable_told(source: Source, where: Path) -> Iterator[None]:
    """Turn what decoder, parser and engine say about a file into our words: theirs quote cells."""
    form = source.format
    fix = f"correct `format` (type, encoding, delimiter, quote) in {where.name}, or {AGAIN}"
    try:
        yield
    except (EngineError, ArrowInvalid, UnicodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            # The file could not be opened; one that cannot be unpacked has no number of the system's.
            raise
        if isinstance(error, UnicodeError) or "codec can't decode" in str(error):
            words = f"is not {form.encoding} text"
        elif "straddling" in str(error):
            words = f"has a line longer than {LONGEST_LINE >> 20} MiB (a quote that is never closed?)"
        elif "CSV parse error: " in str(error):
            words = f"has more than {MOST_RAGGED:,} lines that are no rows"
        else:
            words = f"is no {form.type} file that can be read"
        raise SourceRefused(words, fix=fix) from None


def _csv(c: Connection, path: Path, source: Source, where: Path) -> Rows:
    header = _header(path, source.format, where)
    _check_header(header, source, where)
    cells = {name: f"c{i}" for i, name in enumerate(header) if name in source.columns}
    ragged = _stream(c, path, source.format, [f"c{i}" for i in range(len(header))], list(cells.values()), header_rows=1)
    return _cells(source, header, cells, f"SELECT {_texts(source, cells)} FROM landed", ragged)


def _parquet(c: Connection, path: Path, source: Source, where: Path) -> Rows:
    # The engine takes a path for a pattern.
    place = literal(re.sub(r"([*?\[])", r"[\1]", str(path)))
    header = [found[0] for found in query(c, f"DESCRIBE SELECT * FROM read_parquet({place})")]
    _check_header(header, source, where)
    cells = {name: f"CAST({named(name)} AS VARCHAR)" for name in header if name in source.columns}
    return _cells(source, header, cells, f"SELECT {_texts(source, cells)} FROM read_parquet({place})", [])


def _ndjson(c: Connection, path: Path, source: Source, where: Path) -> Rows:
    # JSON never holds the character 1 as such, so with it as delimiter a line is one cell.
    form = source.format.model_copy(update={"delimiter": "\x01", "quote": ""})
    ragged = _stream(c, path, form, ["line"], ["line"], header_rows=0)
    # A dotted name is a path: customer.email is the e-mail inside of customer.
    # All in one call: each call reads the whole line anew.
    paths = ", ".join(literal("$." + name) for name in source.columns)
    cells = {name: f"fields[{place}]" for place, name in enumerate(source.columns, 1)}
    fields = f"CASE WHEN TRY(json_type(line)) = 'OBJECT' THEN json_extract_string(line, [{paths}]) END"
    return Rows(
        relation=f"SELECT {_texts(source, cells)}, line AS {named('#line')}, fields IS NULL AS {named('#broken')} "
        f"FROM (SELECT line, {fields} AS fields FROM landed)",
        line=named("#line"),
        problem=f"CASE WHEN {named('#broken')} THEN 'line is no JSON object' ELSE {_nul(cells)} END",
        extra_columns=[],
        ragged=ragged,
    )


def _cells(
    source: Source, header: list[str], cells: Mapping[str, str], relation: str, ragged: list[tuple[int, str, str]]
) -> Rows:
    """Rows of named cells. As text they are a line of CSV, whatever they came from."""
    quoted = [f"""'"' || replace(coalesce({named(name)}, ''), '"', '""') || '"'""" for name in cells]
    return Rows(
        relation=relation,
        line=" || ',' || ".join(quoted),
        problem=_nul(cells),
        extra_columns=sorted(set(header) - set(cells)),
        ragged=ragged,
    )


def _nul(cells: Iterable[str]) -> str:
    """SQL: what is wrong with a row whose cells hold a character that no text has."""
    return f"CASE WHEN contains(concat({', '.join(map(named, cells))}), chr(0)) THEN 'line holds a NUL byte' END"


def _texts(source: Source, cells: Mapping[str, str]) -> str:
    """The SELECT list of a relation of rows."""
    texts = {name: f"nullif(trim({cells[name]}), '')" if name in cells else "NULL" for name in source.columns}
    return ", ".join(f"CAST({text} AS VARCHAR) AS {named(name)}" for name, text in texts.items())


def _header(path: Path, form: FileFormat, where: Path) -> list[str]:
    """The names in the first line. A header that nothing follows is refused: so looks an export that broke off, and
    from a source that delivers everything it would mean that nobody is left.
    """
    with unpacked(path) as file:
        start = file.read(LONGEST_LINE)
        is_whole = not file.read(1)
    text = io.StringIO(codecs.getincrementaldecoder(_codec(form))().decode(start, final=is_whole), newline="")
    quoting = {"quotechar": form.quote} if form.quote else {"quoting": csv.QUOTE_NONE}
    try:
        header = [name.strip() for name in next(csv.reader(text, delimiter=form.delimiter, **quoting), [])]
    except csv.Error:
        raise SourceRefused("has no readable header line", fix=AGAIN) from None
    if any("\0" in name for name in header):
        raise SourceRefused(
            f"is not {form.encoding} text: its header holds NUL bytes",
            fix=f"correct `format` in {where.name} (encoding: utf-16?), or {AGAIN}",
        )
    if is_whole and not text.read().strip("\r\n"):
        raise SourceRefused("holds no rows, only a header" if header else "is empty: not even a header", fix=AGAIN)
    return header


def _check_header(header: list[str], source: Source, where: Path) -> None:
    missing = [name for name, need in source.columns.items() if need == "required" and name not in header]
    if missing and len(header) == 1:
        raise SourceRefused(
            f"has one column only, where {', '.join(map(repr, missing))} should be",
            fix=f"correct `format` (delimiter) in {where.name}, or {AGAIN}",
        )
    if missing:
        raise SourceRefused(
            f"has no column {', '.join(map(repr, missing))}",
            fix=f"{nearest(missing[0], header)} If the source changed, change `columns` and `maps` in {where.name}",
        )
    twice = [name for name in source.columns if header.count(name) > 1]
    if twice:
        raise SourceRefused(
            f"has two columns named {', '.join(map(repr, twice))}", fix="ask its owner to name every column once"
        )


def _stream(
    c: Connection, path: Path, form: FileFormat, names: list[str], wanted: list[str], *, header_rows: int
) -> list[tuple[int, str, str]]:
    """Register the file as relation `landed`; returns the list that its ragged lines will go to."""
    ragged: list[tuple[int, str, str]] = []

    def _keep(row: Any) -> str:
        words = "few" if row.actual_columns < row.expected_columns else "many"
        ragged.append((row.number - header_rows, f"line has too {words} cells", row.text))
        return "skip" if len(ragged) <= MOST_RAGGED else "error"

    reader = arrow_csv.open_csv(
        unpacked(path),
        # One thread, because the number of a ragged line is known to none of several.
        arrow_csv.ReadOptions(
            column_names=names,
            skip_rows_after_names=header_rows,
            encoding=_codec(form),
            block_size=LONGEST_LINE,
            use_threads=False,
        ),
        arrow_csv.ParseOptions(
            delimiter=form.delimiter,
            quote_char=form.quote or False,
            newlines_in_values=bool(form.quote),
            invalid_row_handler=_keep,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, text_type()),
            include_columns=wanted,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    c.register("landed", reader)
    return ragged


def unpacked(path: Path) -> NativeFile:
    """A landed file as it was before it was packed, if it was."""
    with path.open("rb") as file:
        start = file.read(4)
    packing = next((name for mark, name in PACKINGS.items() if start.startswith(mark)), "")
    # Opened here, because a path would be unpacked by its ending.
    landed = OSFile(str(path))
    return CompressedInputStream(landed, packing) if packing else landed


def _codec(form: FileFormat) -> str:
    # A name other than plain utf-8 makes the reader decode by Python: strictly, and without a byte order mark.
    return "utf-8-sig" if codecs.lookup(form.encoding).name == "utf-8" else form.encoding
