"""The bytes of one landed file: what is a row, what is none, and which file is refused as a whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personalization_pipeline.foundation.errors import SourceRefused
from personalization_pipeline.ingest import rows
from personalization_pipeline.ingest.reading import FileSummary
from personalization_pipeline_tests.ingest.conftest import HEADER, Read, refused, source
from personalization_pipeline_tests.ingest.shop import ORDERS, ORDERS_CSV


def parquet(columns: Mapping[str, Any], path: Path) -> bytes:
    pl.DataFrame(columns).write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty: not even a header"),
        (b"\xef\xbb\xbf", "is empty: not even a header"),
        (HEADER, "holds no rows, only a header"),
        (HEADER.strip(), "holds no rows, only a header"),
        (HEADER + "\r\n\n", "holds no rows, only a header"),
        (
            ORDERS_CSV.replace(",", ";"),
            "has one column only, where 'order', 'line', 'customer', 'amount', 'sold' should be",
        ),
        (ORDERS_CSV.replace("amount", "total"), "has no column 'amount'"),
        (ORDERS_CSV.replace("sku", "amount"), "has two columns named 'amount'"),
        (ORDERS_CSV.encode("utf-16"), "is not utf-8 text"),
        (ORDERS_CSV.encode("utf-16-le"), "is not utf-8 text: its header holds NUL bytes"),
        (ORDERS_CSV.replace("pot", "thé").encode("latin-1"), "is not utf-8 text"),
        ((ORDERS_CSV + "C,1,1,th").encode() + b"\xc3", "is not utf-8 text"),
    ],
)
def test_a_file_that_is_not_what_its_source_declares_is_refused_whole(
    read: Read, tmp_path: Path, content: str | bytes, problem: str
) -> None:
    assert refused(read, content) == problem
    assert not list((tmp_path / "facts").glob("*"))


def test_a_misspelt_column_is_told_with_its_nearest_name(read: Read) -> None:
    with pytest.raises(SourceRefused) as refusal:
        read(ORDERS_CSV.replace("amount", "ammount"))
    assert refusal.value.fix == "did you mean ammount? If the source changed, change `columns` and `maps` in till.yaml"


def test_bytes_that_break_the_encoding_far_behind_the_header_refuse_the_file(read: Read) -> None:
    many = "A,1,1,tea,10.00,2026-06-03,sale\n" * 300_000
    assert refused(read, (HEADER + many).encode() + "A,1,1,thé\n".encode("latin-1")) == "is not utf-8 text"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "latin-1", "cp1252"])
def test_every_declared_encoding_is_read(read: Read, encoding: str) -> None:
    declared = source(format={"encoding": encoding})
    summary, facts = read(ORDERS_CSV.replace("pot", "thé").encode(encoding), declared)
    assert summary == FileSummary(row_count=3, landed_amount="40.00")
    assert facts.of("order_lines", "product_id") == [("tea",), ("thé",), ("tea",)]


def test_a_character_beyond_16_bits_and_a_byte_order_mark_survive_utf_16(read: Read) -> None:
    text = ORDERS_CSV.replace("pot", "🍵")
    for content in (text.encode("utf-16"), b"\xfe\xff" + text.encode("utf-16-be")):
        _, facts = read(content, source(format={"encoding": "utf-16"}))
        assert facts.of("order_lines", "product_id") == [("tea",), ("🍵",), ("tea",)]


def test_a_byte_order_mark_is_no_part_of_the_first_column(read: Read) -> None:
    assert read(b"\xef\xbb\xbf" + ORDERS_CSV.encode())[0] == FileSummary(row_count=3, landed_amount="40.00")


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_every_kind_of_line_end_is_read_even_mixed(read: Read, ends: str) -> None:
    assert read(ORDERS_CSV.replace("\n", ends))[0] == FileSummary(row_count=3, landed_amount="40.00")
    mixed = (
        HEADER
        + "A,1,1,tea,1.00,2026-06-03,sale\r\nA,2,1,tea,2.00,2026-06-03,sale\n\n"
        + "A,3,1,tea,3.00,2026-06-03,sale\r"
    )
    _, facts = read(mixed)
    assert facts.of("order_lines", "line_key, line_kind") == [(f"till:A/{i}", "sale") for i in (1, 2, 3)]


def test_a_quoted_cell_holds_delimiters_quotes_and_line_ends(read: Read) -> None:
    content = HEADER + 'A,1,1,"green ""fine"" tea,\nloose",10.00,2026-06-03,sale\nA,2,1,15" pot,1.00,2026-06-03,sale\n'
    summary, facts = read(content)
    assert summary == FileSummary(row_count=2, landed_amount="11.00")
    assert facts.of("order_lines", "product_id") == [('green "fine" tea,\nloose',), ('15" pot',)]


def test_without_a_quote_character_a_quote_is_a_character(read: Read) -> None:
    _, facts = read(ORDERS_CSV.replace("pot", '"pot'), source(format={"quote": ""}))
    assert facts.of("order_lines", "product_id") == [("tea",), ('"pot',), ("tea",)]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_read_where_it_is_declared_and_refused_where_not(read: Read, delimiter: str) -> None:
    content = ORDERS_CSV.replace(",", delimiter)
    assert read(content, source(format={"delimiter": delimiter}))[0] == FileSummary(row_count=3, landed_amount="40.00")
    assert refused(read, content).startswith("has one column only")


def test_the_ending_of_a_name_says_nothing_about_what_is_in_the_file(read: Read) -> None:
    assert read(ORDERS_CSV, name="orders.csv.gz")[0] == FileSummary(row_count=3, landed_amount="40.00")
    assert read(gzip.compress(ORDERS_CSV.encode()), name="orders.csv")[0] == FileSummary(
        row_count=3, landed_amount="40.00"
    )


def test_ragged_lines_are_refused_one_by_one_and_keep_their_number_and_text(read: Read) -> None:
    content = HEADER + (
        "A,1,1,tea,10.00,2026-06-03,sale\n"
        "A,2,1\n"
        '"A",3,1,tea,1.00,2026-06-03,sale,one cell too many\n'
        "\n"
        "A,4,1,tea,nothing,2026-06-03,sale\n"
        "A,5,1,tea,5.00,2026-06-03,sale\n"
    )
    summary, facts = read(content)
    assert (summary.row_count, summary.rejected_count) == (5, 3)
    assert summary.reasons == {"amount unreadable": 1, "line has too few cells": 1, "line has too many cells": 1}
    assert facts.of("rejects", "row_number, reasons, line") == [
        (2, "line has too few cells", "A,2,1"),
        (3, "line has too many cells", '"A",3,1,tea,1.00,2026-06-03,sale,one cell too many'),
        (4, "amount unreadable", '"A","4","1","tea","nothing","2026-06-03","sale"'),
    ]
    assert facts.of("order_lines", "line_key") == [("till:A/1",), ("till:A/5",)]


def test_a_row_number_counts_the_rows_of_the_file_even_among_many_ragged_lines(read: Read) -> None:
    lines = ["x" if i % 3 else f"A,{i},1,tea,{'bad' if i % 2 else '1.00'},2026-06-03,sale" for i in range(1, 40)]
    _, facts = read(HEADER + "\n".join(lines))
    expected = [(i, "line has too few cells" if i % 3 else "amount unreadable") for i in range(1, 40) if i % 3 or i % 2]
    assert facts.rejects == expected


def test_a_quote_that_is_never_closed_takes_the_rest_of_the_file_with_it_as_one_refused_line(
    read: Read,
) -> None:
    summary, facts = read(ORDERS_CSV.replace("pot", '"pot'))
    assert (summary.row_count, summary.rejected_count) == (2, 1)
    assert facts.rejects == [(2, "line has too few cells")]


def test_a_line_longer_than_four_mebibytes_refuses_the_file(read: Read) -> None:
    long = f'A,9,1,"{"x" * (9 << 20)}",1.00,2026-06-03,sale\n'
    problem = "has a line longer than 4 MiB (a quote that is never closed?)"
    assert refused(read, ORDERS_CSV + long) == problem
    assert refused(read, ORDERS_CSV + long.replace('x",', "x,") + ORDERS_CSV) == problem
    assert read(ORDERS_CSV + long.replace("x" * (6 << 20), ""))[0].row_count == 4


def test_a_file_full_of_ragged_lines_is_refused_rather_than_held_in_memory(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_RAGGED", 3)
    assert read(ORDERS_CSV + "A\n" * 3)[0].rejected_count == 3
    assert refused(read, ORDERS_CSV + "A\n" * 4) == "has more than 3 lines that are no rows"


def test_a_nul_byte_in_a_cell_refuses_the_row(read: Read) -> None:
    summary, facts = read(ORDERS_CSV.replace("pot", "p\0t"))
    assert summary.reasons == {"line holds a NUL byte": 1}
    assert facts.rejects == [(2, "line holds a NUL byte")]


def test_columns_beyond_the_contract_are_told_whatever_they_are_called(read: Read) -> None:
    wider = "\n".join(f"{line},{extra},," for line, extra in zip(ORDERS_CSV.split(), ("Order", 1, 2, 3), strict=True))
    summary, _ = read(wider)
    assert summary == FileSummary(row_count=3, extra_columns=["", "Order"], landed_amount="40.00")


def test_an_optional_column_may_be_absent_and_columns_may_change_places(read: Read) -> None:
    _, facts = read("sold , amount,customer,line,order\n2026-06-03,10.00,1,1,A\n")
    assert facts.of("order_lines", "line_key, product_id, line_kind") == [("till:A/1", None, None)]


NDJSON = {
    "format": {"type": "ndjson"},
    "columns": dict.fromkeys(("order.id", "order.line", "who", "amount", "sold"), "required"),
}
NESTED = ORDERS.replace("order_id: order", "order_id: '\"order.id\"'").replace(
    "line_id: line", "line_id: '\"order.line\"'"
)
NESTED = NESTED.replace("customer\n", "who\n").replace("sku", "who").replace("    line_kind: kind\n", "")


def test_ndjson_is_read_with_nested_fields_and_its_broken_lines_are_refused(read: Read) -> None:
    lines = [
        json.dumps({"order": {"id": "A", "line": 1}, "who": "ä\n,", "amount": 1.5, "sold": "2026-06-03", "more": []}),
        '{"order": {"id": "A", "line": 2}, "who": "1", "amou',
        "[1, 2]",
        "",
        json.dumps({"order": "A", "amount": "2.00", "sold": "2026-06-03"}),
        "not json",
        '{"order": {"id": "A", "line": 3}, "who": "\\u0000", "amount": 1, "sold": "2026-06-03"}',
        "[" * 20_000,
    ]
    summary, facts = read("\n".join(lines), source(NESTED, **NDJSON), name="file.ndjson")
    assert facts.of("order_lines", "line_key, product_id, CAST(amount AS VARCHAR)") == [("till:A/1", "ä\n,", "1.50")]
    assert facts.of("rejects", "row_number, reasons, line") == [
        (2, "line is no JSON object", lines[1]),
        (3, "line is no JSON object", "[1, 2]"),
        (4, "order_key missing, line_key missing", lines[4]),
        (5, "line is no JSON object", "not json"),
        (6, "line holds a NUL byte", lines[6]),
        (7, "line is no JSON object", lines[7]),
    ]
    assert (summary.row_count, summary.rejected_amount) == (7, "3.00")


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "is empty"), (b"\n\n", "holds no rows"), (b"\xff\xfe{", "is not utf-8 text")]
)
def test_ndjson_that_holds_nothing_or_no_text_is_refused(read: Read, content: bytes, problem: str) -> None:
    assert refused(read, content, source(NESTED, **NDJSON)) == problem


def test_parquet_is_read_through_the_same_mapping_even_under_a_name_that_is_a_pattern(
    read: Read, tmp_path: Path
) -> None:
    columns = {
        "order": ["A", "A"],
        "line": [1, 2],
        "customer": ["1", "1"],
        "amount": [1.5, None],
        "sold": ["2026-06-03"] * 2,
    }
    content = parquet(columns, tmp_path / "orders1.csv")
    summary, facts = read(content, source(format={"type": "parquet"}), name="orders*.csv")
    assert summary == FileSummary(2, 1, "0.00", {"amount missing": 1}, landed_amount="1.50")
    assert facts.of("rejects", "line") == [('"A","2","1","","2026-06-03"',)]


def test_parquet_that_is_none_or_lacks_a_column_or_rows_is_refused(read: Read, tmp_path: Path) -> None:
    declared = source(format={"type": "parquet"})
    whole = parquet({name: ["1"] for name in ("order", "line", "customer", "amount", "sold")}, tmp_path / "p")
    assert refused(read, ORDERS_CSV, declared) == "is no parquet file that can be read"
    assert refused(read, whole[: len(whole) // 2], declared) == "is no parquet file that can be read"
    assert refused(read, whole[:40] + b"\0" * 60 + whole[100:], declared) == "is no parquet file that can be read"
    assert refused(read, parquet({"Order": ["1"], "line": ["1"]}, tmp_path / "p"), declared).startswith(
        "has no column 'order', 'cust"
    )
    empty = parquet({name: [] for name in ("order", "line", "customer", "amount", "sold")}, tmp_path / "p")
    assert refused(read, empty, declared) == "holds no rows"


PEOPLE: dict[str, Any] = {
    "files": "people/*.csv",
    "columns": {"id": "required", "name": "optional", "city": "optional"},
    "rows_are": "contacts",
    "maps": {"contacts": {"record_id": "id", "last_name": "name", "city": "city"}},
}


CELL = st.sampled_from(["", " ", " a ", "é", '"x, y"', '"one\n""two"""', '5" pot', "\0"])
ROW = st.lists(CELL, min_size=2, max_size=4).map(",".join)
DIRT = st.sampled_from([*'a1 ,"\t', '""', '"x', 'y"', "\n", "\r\n", "\r"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(ROW, ROW, DIRT, st.just("\n")), max_size=30), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_file_has_the_rows_and_cells_that_the_csv_module_finds_whatever_it_holds(
    read: Read, pieces: list[str], end: str
) -> None:
    content = f"id,name,city{end}{''.join(pieces)}"
    found = [row for row in list(csv.reader(io.StringIO(content, newline="")))[1:] if row]
    cells = [tuple(cell.strip(" ") or None for cell in row) for row in found if len(row) == 3]
    kept = [row for row in cells if row[0] and "\0" not in "".join(cell or "" for cell in row)]
    if not found:
        assert refused(read, content, source(**PEOPLE)).startswith("holds no rows")
        return
    summary, facts = read(content, source(**PEOPLE))
    assert (summary.row_count, summary.rejected_count) == (len(found), len(found) - len(kept))
    assert len(facts.rejects) == summary.rejected_count == sum(summary.reasons.values())
    assert facts.of("contacts", "record_key, last_name, city") == [(f"till:{key}", *rest) for key, *rest in kept]
