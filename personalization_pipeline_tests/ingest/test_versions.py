"""Which rows count tonight and what became of the others: kept, rejected, duplicate, superseded, not yet."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline_tests.ingest.conftest import HEADER
from personalization_pipeline_tests.ingest.shop import (
    CUSTOMERS,
    CUSTOMERS_CSV,
    ORDERS,
    ORDERS_CSV,
    declare,
    fates,
    ingested,
    land,
    make_shop,
    rows,
)

SALES = "SELECT line_key, CAST(amount AS VARCHAR) FROM facts.order_lines ORDER BY ALL"
NAMES = "SELECT record_key, last_name FROM facts.contacts ORDER BY ALL"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The shop with nothing landed."""
    return make_shop(tmp_path / "shop", {})


def line(order: str, number: int, amount: str, sold: str = "2026-06-03", kind: str = "sale") -> str:
    return f"{order},{number},1,tea,{amount},{sold},{kind}\n"


def test_a_row_dated_after_the_night_is_not_yet_seen_and_counts_when_its_day_has_come(shop: Path) -> None:
    land(shop, {"orders/june.csv": HEADER + line("A", 1, "1.00") + line("B", 1, "2.00", sold="2026-07-02")})
    with ingested(shop) as night:
        assert fates(night) == {"orders/june.csv": (2, 1, 0, 0, 0, 1)}
        assert rows(night, SALES) == [("orders:A/1", "1.00")]
        assert rows(night, "SELECT order_key FROM facts.orders") == [("orders:A",)]
    with ingested(shop, "2026-07-02T02:00:00Z") as night:
        assert fates(night) == {"orders/june.csv": (2, 2, 0, 0, 0, 0)}


def test_an_older_version_that_lands_later_does_not_win(shop: Path) -> None:
    land(shop, {"customers/a.csv": "id,name,changed\n1,Kelley,2026-06-10\n"})
    with ingested(shop) as night:
        first = rows(night, "SELECT source, path, sha256, TIMESTAMP '2026-06-20' FROM files")
    land(shop, {"customers/b.csv": "id,name,changed\n1,Kelly,2026-06-09\n2,Roe,2026-06-09\n"})
    source, path, sha, _ = first[0]
    seen = pl.DataFrame({"source": source, "path": path, "sha256": sha, "first_seen_at": datetime(2026, 6, 20)})
    with ingested(shop, yesterday={"files": seen}) as night:
        assert rows(night, NAMES) == [("customers:1", "Kelley"), ("customers:2", "Roe")]
        assert fates(night) == {"customers/a.csv": (1, 1, 0, 0, 0, 0), "customers/b.csv": (2, 1, 0, 0, 1, 0)}
        arrived = rows(night, "SELECT path, CAST(first_seen_at AS VARCHAR) FROM files ORDER BY path")
        assert arrived == [("customers/a.csv", "2026-06-20 00:00:00"), ("customers/b.csv", "2026-07-01 02:00:00")]


@pytest.mark.parametrize("earlier", ["a", "b"])
def test_of_two_versions_of_one_moment_the_one_that_landed_later_wins(shop: Path, earlier: str) -> None:
    land(shop, {f"customers/{name}.csv": f"id,name,changed\n1,from {name},2026-06-10\n" for name in "ab"})
    with ingested(shop) as night:
        sha = rows(night, f"SELECT sha256 FROM files WHERE path = 'customers/{earlier}.csv'")[0][0]
    seen = pl.DataFrame({"source": "customers", "sha256": sha, "first_seen_at": datetime(2026, 6, 20)})
    with ingested(shop, yesterday={"files": seen}) as night:
        assert rows(night, NAMES) == [("customers:1", "from b" if earlier == "a" else "from a")]


def test_the_same_row_twice_in_a_file_and_again_in_another_is_kept_once(shop: Path) -> None:
    twice = HEADER + line("A", 1, "1.00") * 2
    land(shop, {"orders/a.csv": twice, "orders/b.csv": HEADER + line("A", 1, "1.00") + line("B", 1, "2.00")})
    with ingested(shop) as night:
        assert rows(night, SALES) == [("orders:A/1", "1.00"), ("orders:B/1", "2.00")]
        found = fates(night)
        assert [sum(column) for column in zip(*found.values(), strict=True)] == [4, 2, 0, 2, 0, 0]


def test_equal_lines_of_a_source_without_line_numbers_are_each_kept_but_not_a_second_time(shop: Path) -> None:
    declare(shop, orders=ORDERS.replace("    line_id: line\n", ""))
    land(shop, {"orders/a.csv": HEADER + line("A", 1, "1.00") * 2, "orders/b.csv": HEADER + line("A", 1, "1.00") * 3})
    with ingested(shop) as night:
        assert [amount for _, amount in rows(night, SALES)] == ["1.00"] * 3
        assert [sum(column) for column in zip(*fates(night).values(), strict=True)] == [5, 3, 0, 2, 0, 0]


def test_the_same_bytes_under_a_second_name_are_duplicates_all_of_them(shop: Path) -> None:
    content = ORDERS_CSV + "A,3\n" + line("C", 1, "x")
    land(shop, {"orders/june.csv": content, "orders/june (1).csv": content})
    with ingested(shop) as night:
        assert fates(night) == {"orders/june (1).csv": (5, 3, 2, 0, 0, 0), "orders/june.csv": (5, 0, 0, 5, 0, 0)}
        assert rows(night, "SELECT count(*) FROM rejects") == [(2,)]
        assert rows(night, "SELECT sum(kept_amount) FROM files") == [(40,)]
        assert len(night.notes) == 1


def test_a_refund_in_a_later_file_is_a_negative_line_of_its_own(shop: Path) -> None:
    refund = line("A", 3, "-25.50", sold="2026-06-20", kind="refund")
    land(shop, {"orders/june.csv": ORDERS_CSV, "orders/later.csv": HEADER + refund})
    with ingested(shop) as night:
        kinds = rows(
            night, "SELECT line_kind, CAST(sum(amount) AS VARCHAR) FROM facts.order_lines GROUP BY 1 ORDER BY 1"
        )
        assert kinds == [("refund", "-25.50"), ("sale", "40.00")]
        assert rows(night, "SELECT CAST(sum(kept_amount) AS VARCHAR) FROM files") == [("14.50",)]


def test_money_of_rows_set_aside_and_refused_is_counted_apart(shop: Path) -> None:
    content = (
        HEADER + line("A", 1, "1.00") * 2 + line("B", 1, "5.00", sold="2026-08-01") + line("C", 1, "7.00", sold="?")
    )
    land(shop, {"orders/june.csv": content})
    with ingested(shop) as night:
        money = rows(
            night,
            "SELECT CAST((kept_amount, duplicate_amount, not_yet_amount, rejected_amount, landed_amount) AS VARCHAR) FROM files",
        )
        assert money == [("(1.00, 1.00, 5.00, 7.00, 14.00)",)]


@pytest.fixture
def register(shop: Path) -> Path:
    """The shop, whose customers come as whole registers."""
    declare(shop, customers=CUSTOMERS + "delivers: full\n")
    return shop


def test_whoever_is_absent_from_the_newest_register_is_gone_though_her_words_stand(register: Path) -> None:
    newer = "\n".join(line for line in CUSTOMERS_CSV.splitlines() if not line.startswith("2,"))
    land(register, {"customers/1.csv": CUSTOMERS_CSV, "customers/2.csv": newer})
    with ingested(register) as night:
        assert rows(night, NAMES) == [("customers:1", "Kelley")]
        assert fates(night) == {"customers/1.csv": (2, 0, 0, 0, 2, 0), "customers/2.csv": (1, 1, 0, 0, 0, 0)}
        assert rows(night, "SELECT count(*) FROM facts.consents WHERE record_key = 'customers:2'") == [(1,)]


def test_what_a_source_delivers_as_changes_is_not_gone_by_being_absent(shop: Path) -> None:
    land(shop, {"customers/1.csv": CUSTOMERS_CSV, "customers/2.csv": "id,changed\n3,2026-06-09\n"})
    with ingested(shop) as night:
        assert [key for key, _ in rows(night, NAMES)] == ["customers:1", "customers:2", "customers:3"]


@pytest.mark.parametrize(
    "broken", ["", "id,name,changed\n", "id;name;changed\n1;a;b\n", "id,name,changed\n,nobody,2026-06-09\n"]
)
def test_a_register_of_which_nothing_can_be_read_makes_nobody_absent(register: Path, broken: str) -> None:
    land(register, {"customers/1.csv": CUSTOMERS_CSV, "customers/2.csv": broken})
    with ingested(register) as night:
        assert [key for key, _ in rows(night, NAMES)] == ["customers:1", "customers:2"]
        assert night.notes[0].startswith("customers/2.csv")
        assert "\nFix: " in night.notes[0]


def test_an_older_moment_in_the_newest_register_still_counts(register: Path) -> None:
    land(register, {"customers/1.csv": CUSTOMERS_CSV, "customers/2.csv": "id,name,changed\n1,Restored,2025-01-01\n"})
    with ingested(register) as night:
        assert rows(night, NAMES) == [("customers:1", "Restored")]


def test_what_comes_along_with_a_register_of_lines_is_gone_with_them(shop: Path) -> None:
    declare(shop, orders=ORDERS + "delivers: full\n")
    land(shop, {"orders/1.csv": ORDERS_CSV, "orders/2.csv": HEADER + line("A", 1, "10.00")})
    with ingested(shop) as night:
        assert rows(night, "SELECT order_key FROM facts.orders") == [("orders:A",)]
        assert rows(night, SALES) == [("orders:A/1", "10.00")]


LINES = st.tuples(
    st.sampled_from(["A", "B", ""]),
    st.sampled_from(["1", "2"]),
    st.sampled_from(["1", '"one, two"', '"on\ntwo"', "1,too much"]),
    st.just("tea"),
    st.sampled_from(["1.00", "2.00", "-2.00", "?"]),
    st.sampled_from(["2026-06-03", "2026-06-04", "2026-07-09", "june"]),
    st.sampled_from(["sale", "refund"]),
)


@settings(
    max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(LINES, min_size=1, max_size=6), min_size=1, max_size=3), st.sampled_from(["changes", "full"]))
def test_every_row_of_every_file_has_one_fate_whatever_the_files_hold(
    shop: Path, files: list[list[tuple[str, ...]]], delivers: str
) -> None:
    declare(shop, orders=ORDERS + f"delivers: {delivers}\n")
    contents = {
        f"orders/{i}.csv": HEADER + "".join(",".join(line) + "\n" for line in file) for i, file in enumerate(files)
    }
    for old in (shop / "landing" / "orders").glob("*"):
        old.unlink()
    land(shop, contents)
    with ingested(shop) as night:
        found = fates(night)
        assert list(found) == list(contents)
        for path, (row_count, *counts) in found.items():
            landed = [row for row in csv.reader(io.StringIO(contents[path], newline="")) if row]
            assert row_count == sum(counts) == len(landed) - 1
        money = rows(night, "SELECT coalesce(sum(kept_amount), 0) FROM files")
        assert money == rows(night, "SELECT coalesce(sum(amount), 0) FROM facts.order_lines")


ASIDE = "SELECT * FROM set_aside ORDER BY ALL"
HEADED = "id,name,changed\n"
CONTACTS = st.tuples(st.sampled_from("123"), st.sampled_from("ab"), st.sampled_from(["2026-06-09", "2026-07-02", ""]))
NIGHTS = ("2026-07-01T02:00:00Z", "2026-07-02T02:00:00Z", "2026-07-03T02:00:00Z")


@settings(
    max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.lists(CONTACTS, min_size=1, max_size=4),
            st.lists(LINES, min_size=1, max_size=3),
            st.sets(st.integers(0, 2)),
        ),
        min_size=2,
        max_size=4,
    ),
    st.sampled_from(["changes", "full"]),
)
def test_a_night_that_remembers_what_it_set_aside_decides_as_one_that_looks_at_everything(
    shop: Path, files: list[tuple[list[tuple[str, ...]], list[tuple[str, ...]], set[int]]], delivers: str
) -> None:
    """Files come, go and come back; their rows are versions of each other, repeats, and of days to come."""
    declare(shop, customers=CUSTOMERS + f"delivers: {delivers}\n")
    remembered: dict[str, pl.DataFrame] = {}
    for number, as_of in enumerate(NIGHTS):
        for old in (shop / "landing").glob("*/*.csv"):
            old.unlink()
        for name, (people, lines, nights) in enumerate(files):
            if number in nights:
                land(shop, {f"customers/{name}.csv": HEADED + "".join(",".join(row) + "\n" for row in people)})
                land(shop, {f"orders/{name}.csv": HEADER + "".join(",".join(row) + "\n" for row in lines)})
        if not any(number in nights for _, _, nights in files):
            continue
        found = []
        blind = {"files": remembered["files"].drop("file_key")} if remembered else {}
        for yesterday in (blind, remembered):
            with ingested(shop, as_of, yesterday) as night:
                found.append([rows(night, sql) for sql in (ASIDE, SALES, NAMES)])
                tonight = {name: frame(night.connection, f"FROM {name}") for name in ("files", "set_aside")}
        remembered = tonight
        assert found[0] == found[1]


def test_only_things_with_news_are_looked_at_again(shop: Path) -> None:
    """Yesterday is believed: a row that it did not set aside counts, whoever may contest it, while nothing new does."""
    land(shop, {"customers/a.csv": HEADED + "1,Kelley,2026-06-10\n1,Kelly,2026-06-09\n2,Roe,2026-06-09\n"})
    with ingested(shop) as night:
        assert len(rows(night, ASIDE)) == 1
        files = frame(night.connection, "FROM files")
        forgotten = {"files": files, "set_aside": frame(night.connection, "FROM set_aside").clear()}
    land(shop, {"customers/b.csv": HEADED + "2,Row,2026-06-10\n"})
    with ingested(shop, NIGHTS[1], forgotten) as night:
        assert rows(night, NAMES) == [("customers:1", "Kelley"), ("customers:1", "Kelly"), ("customers:2", "Row")]
