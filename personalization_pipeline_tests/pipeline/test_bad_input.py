"""Nights on bad input, as the command tells them: exit code, words that name the file and a remedy, counts that add up.

Refused files and rows: exit 3, everything else is delivered. The project, the landing folder, the gate: exit 2 and the
last night stays. A full disk has a module of its own.
"""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from personalization_pipeline.cli import app
from personalization_pipeline_tests.ingest.shop import AS_OF, CUSTOMERS_CSV, GOOD, ORDERS_CSV, declare, land, make_shop

HEADER = ORDERS_CSV.splitlines()[0] + "\n"
LINE = "N,{},1,tea,1.00,2026-06-05,sale\n"
SECRET = "cell-4711"
APP = """\
description: What people do in the app
owner: team:app
party: first
legal_basis: contract
files: app/*
format: {type: ndjson}
columns: {id: required, user.id: optional, at: required}
rows_are: events
maps: {events: {event_id: id, record_id: user.id, kind: "'app'", occurred_at: "utc(at, '%Y-%m-%d')"}}
"""
MASTER = """\
description: The product master
owner: team:shop
party: first
legal_basis: contract
files: master/*
format: {type: parquet}
columns: {sku: required}
rows_are: products
maps: {products: {product_id: sku}}
"""

REFUSED_FILES: dict[str, tuple[str | bytes, str]] = {
    "orders/empty.csv": (b"", "is empty"),
    "orders/header_only.csv": (HEADER, "holds no rows, only a header"),
    "orders/latin_1.csv": ((HEADER + LINE.format(1).replace("tea", "thé")).encode("latin-1"), "is not utf-8 text"),
    "orders/utf_16.csv": ((HEADER + LINE.format(2)).encode("utf-16"), "is not utf-8 text"),
    "orders/missing_column.csv": (ORDERS_CSV.replace("amount", "total"), "has no column 'amount'"),
    "orders/semicolons.csv": (ORDERS_CSV.replace(",", ";"), "has one column only, where 'order', "),
    "orders/amount_twice.csv": (ORDERS_CSV.replace("sku", "amount"), "has two columns named 'amount'"),
    "orders/200_mb.csv": ((HEADER + "x").encode() + b"x" * (200 << 20), "has a line longer than 4 MiB"),
    "master/text.parquet": (b"sku\ntea\n", "is no parquet file that can be read"),
    "app/quiet.ndjson": ("\n\n", "holds no rows"),
}
REFUSED_ROWS = {
    "orders/ragged.csv": (
        HEADER + LINE.format(3) + f"N,4,{SECRET}\n" + LINE.format("5,6"),
        (3, 1, 2),
        "2 of 3 rows were refused (line has too few cells: 1; line has too many cells: 1)",
    ),
    "orders/dates.csv": (
        HEADER + LINE.format(7) + "N,8,1,tea,2.50,05.06.2026,sale\nN,9,1,tea,2.00,06/05/2026,sale\n",
        (3, 1, 2),
        "2 of 3 rows were refused (occurred_at unreadable: 2)",
    ),
    "orders/nul.csv": (
        HEADER + LINE.format(10) + LINE.format(11).replace("tea", "t\0a"),
        (2, 1, 1),
        "1 of 2 rows were refused (line holds a NUL byte: 1)",
    ),
    "app/broken.ndjson": (
        '{"id": "1", "user": {"id": "1"}, "at": "2026-06-05"}\n{"id": "2", "us\n{"user": {}, "at": "2026-06-05"}\n',
        (3, 1, 2),
        "2 of 3 rows were refused (event_key missing: 1; line is no JSON object: 1)",
    ),
}


@dataclass(frozen=True)
class Night:
    """What one run said, and the shop that it ran for."""

    shop: Path
    result: Result

    @property
    def current(self) -> Path:
        return (self.shop / "store" / "current").resolve()

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.current / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute(f"ATTACH '{self.current / 'private.duckdb'}' AS private (READ_ONLY)")
            return connection.execute(sql).fetchall()

    def remedy_of(self, words: str) -> str:
        """The line after the one that holds these words."""
        lines = self.result.stderr.splitlines()
        return next(after for line, after in itertools.pairwise(lines) if words in line)


def run(shop: Path, as_of: str = AS_OF) -> Night:
    result = CliRunner().invoke(app, ["run", "--project", str(shop), "--as-of", as_of])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return Night(shop, result)


@pytest.fixture(scope="module")
def good_night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The shop and its first night. Shared: read it, never change it."""
    night = run(make_shop(tmp_path_factory.mktemp("good") / "shop"))
    assert night.result.exit_code == 0, night.result.output
    return night


@pytest.fixture
def shop(good_night: Night, tmp_path: Path) -> Path:
    """A copy of the shop with its first night."""
    return Path(shutil.copytree(good_night.shop, tmp_path / "shop", symlinks=True))


@pytest.fixture(scope="module")
def bad_night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """One night on all kinds of bad files beside two good ones."""
    shop = make_shop(tmp_path_factory.mktemp("bad") / "shop", GOOD, app=APP, master=MASTER)
    land(shop, {path: content for path, (content, _) in REFUSED_FILES.items()})
    land(shop, {path: content for path, (content, *_) in REFUSED_ROWS.items()})
    land(shop, {"customers/born.csv": CUSTOMERS_CSV.replace("01.02.1990", "1990-02-01").replace("06-0", "05-0")})
    pl.DataFrame({"sku": ["tea", "pot"]}).write_parquet(shop / "landing" / "master" / "good.parquet")
    (shop / "landing" / "orders" / "folder.csv").mkdir()
    (shop / "landing" / "orders" / "nowhere.csv").symlink_to("moved_away.csv")
    return run(shop)


def test_a_night_with_refusals_is_committed_delivers_the_others_and_ends_with_exit_code_3(bad_night: Night) -> None:
    assert bad_night.result.exit_code == 3, bad_night.result.output
    assert [path.read_text().splitlines()[1][:18] for path in bad_night.shop.rglob("delivered/**/*.csv")] == [
        "kelley@example.org"
    ]
    assert bad_night.ask("SELECT count(*) FROM order_lines") == [(6,)]
    assert bad_night.ask("SELECT product_id FROM products ORDER BY 1") == [("pot",), ("tea",)]


@pytest.mark.parametrize("path", [*REFUSED_FILES, "orders/folder.csv", "orders/nowhere.csv"])
def test_a_refused_file_is_an_empty_delta_and_its_message_names_it_and_a_remedy(bad_night: Night, path: str) -> None:
    problem = REFUSED_FILES.get(path, ("", "is no file that can be opened"))[1]
    assert f"{path} {problem}" in bad_night.result.stderr
    assert bad_night.remedy_of(path).startswith("Fix: ")
    found = bad_night.ask(f"SELECT row_count, kept_count, rejected_count, refusal FROM files WHERE path = '{path}'")
    assert found[0][:3] == (0, 0, 0)
    assert str(found[0][3]).startswith(problem)


@pytest.mark.parametrize("path", REFUSED_ROWS)
def test_refused_rows_are_counted_and_the_others_of_their_file_are_kept(bad_night: Night, path: str) -> None:
    _, counts, words = REFUSED_ROWS[path]
    assert f"{path}: {words}" in bad_night.result.stderr
    assert bad_night.remedy_of(path).startswith("Fix: ")
    assert bad_night.ask(f"SELECT row_count, kept_count, rejected_count FROM files WHERE path = '{path}'") == [counts]


def test_values_that_a_row_can_do_without_are_counted_and_told_when_they_cannot_be_read(bad_night: Night) -> None:
    assert bad_night.ask("SELECT path FROM files WHERE unread_count > 0") == [("customers/born.csv",)]
    assert "warning: files: coalesce(sum(unread_count), 0) = 0 is not so (measured 1)" in bad_night.result.stderr
    assert bad_night.remedy_of("unread_count").startswith(("Fix: ", "warning: "))


def test_every_message_is_followed_by_its_remedy(bad_night: Night) -> None:
    said = bad_night.result.stderr.splitlines()
    about = [i for i, line in enumerate(said) if line.startswith(("orders/", "app/", "master/"))]
    assert len(about) == len(REFUSED_FILES) + len(REFUSED_ROWS) + 2
    assert all(said[i + 1].startswith("Fix: ") for i in about)


def test_rows_and_money_add_up_in_a_night_with_refusals(bad_night: Night) -> None:
    assert bad_night.ask("SELECT flow FROM ledger_rests WHERE rest_count <> 0 OR rest_amount <> 0") == []
    money = "SELECT CAST(sum(kept_amount) AS VARCHAR), CAST(sum(rejected_amount) AS VARCHAR) FROM files"
    # The money of a line that is no row cannot be read; that of a row with a NUL byte can.
    assert bad_night.ask(money) == [("43.00", "5.50")]
    rejected = "SELECT (SELECT count(*) FROM private.rejects), (SELECT sum(rejected_count) FROM files)"
    assert bad_night.ask(rejected) == [(7, 7)]


def test_what_stood_in_a_refused_row_lies_in_the_private_file_only(bad_night: Night) -> None:
    assert bad_night.ask(f"SELECT line FROM private.rejects WHERE line LIKE '%{SECRET}%'") == [(f"N,4,{SECRET}",)]
    assert SECRET not in bad_night.result.output
    for name in ("warehouse.duckdb", "night.json", "report.html"):
        assert SECRET.encode() not in (bad_night.current / name).read_bytes()


def test_the_same_night_again_says_the_same_refusals(bad_night: Night) -> None:
    again = run(bad_night.shop)
    assert again.result.exit_code == 3
    assert "nothing that it is made of has changed" in again.result.stdout
    assert again.result.stderr.count("\nFix: ") == bad_night.result.stderr.count("\nFix: ")


def test_an_extra_column_and_the_same_file_twice_are_no_refusal(shop: Path) -> None:
    wider = "".join(
        f"{line},{i}\n" for i, line in enumerate(CUSTOMERS_CSV.replace("changed", "changed,more").splitlines())
    )
    land(shop, {"orders/june (1).csv": ORDERS_CSV, "customers/wider.csv": wider.replace("more,0", "more")})
    night = run(shop, "2026-07-02")
    assert night.result.exit_code == 0, night.result.output
    assert "Fix:" not in night.result.stderr
    columns = "path, is_repeat, kept_count, duplicate_count, extra_columns"
    found = night.ask(f"SELECT {columns} FROM files WHERE source <> '_receipts' ORDER BY path")
    assert found == [
        ("customers/june.csv", False, 0, 2, ""),
        ("customers/wider.csv", False, 2, 0, "more"),
        ("orders/june (1).csv", False, 3, 0, ""),
        ("orders/june.csv", True, 0, 3, ""),
    ]
    assert night.ask("SELECT CAST(sum(amount) AS VARCHAR) FROM order_lines") == [("40.00",)]


@pytest.mark.parametrize("instead", ["nothing", "a file", "an empty folder", "nothing of its own"])
def test_without_its_landing_folder_no_night_is_committed(shop: Path, instead: str) -> None:
    shutil.rmtree(shop / "landing")
    if instead == "a file":
        (shop / "landing").write_text("unmounted")
    elif instead != "nothing":
        (shop / "landing").mkdir()
    if instead == "nothing of its own":
        land(shop, {"elsewhere/june.csv": ORDERS_CSV})
    night = run(shop, "2026-07-02")
    assert night.result.exit_code == 2
    assert night.result.stderr.startswith(str(shop / "landing"))
    assert "\nFix: " in night.result.stderr
    assert night.current.name == "20260701T020000Z-r1"


@pytest.mark.parametrize(
    ("file", "text", "problem", "fix"),
    [
        ("project.yaml", "name: [shop\n", "line 2: ", "correct the YAML"),
        (
            "project.yaml",
            "name: shop\nholdout: {salt: x}\ntimezone: UTC\n",
            "unknown key 'timezone'",
            "did you mean time_zone",
        ),
        ("project.yaml", "name: 'caf\udce9'\n", "is not UTF-8 text", "save the file as UTF-8"),
        ("project.yaml", "", "holds no keys", "declare a settings"),
        ("sources/orders.yaml", "owner: team:shop\n", "key 'description' is missing", "add it"),
        (
            "segments/reachable.yaml",
            "description: x\nwhere: is_reachable_emial\n",
            "is_reachable_emial",
            "is_reachable_email",
        ),
        ("features/x.sql", "-- One row per person.\n-- owner: team:x\n-- feature\nSELECT * FROM peple\n", "peple", ""),
        ("audiences/newsletter.yaml", "- not\n- keys\n", "holds no keys", "declare a"),
    ],
)
def test_a_broken_project_file_is_told_before_anything_is_built(
    shop: Path, file: str, text: str, problem: str, fix: str
) -> None:
    (shop / file).parent.mkdir(exist_ok=True)
    (shop / file).write_bytes(text.encode(errors="surrogateescape"))
    night = run(shop, "2026-07-02")
    assert night.result.exit_code == 2
    first, _, remedy = night.result.stderr.partition("\nFix: ")
    assert first.startswith(f"{shop / file}: ")
    assert problem in first
    assert fix in remedy
    assert night.current.name == "20260701T020000Z-r1"


def test_a_mapping_that_reads_an_unknown_column_is_told_with_the_nearest_name(shop: Path) -> None:
    declare(shop, app=APP.replace("user.id, kind", "usr.id, kind"))
    night = run(shop, "2026-07-02")
    assert night.result.exit_code == 2
    assert night.result.stderr.startswith(f"{shop / 'sources' / 'app.yaml'}: the expression 'usr.id' reads 'usr.id'")
    assert "\nFix: did you mean user.id" in night.result.stderr


def test_what_the_gate_refuses_is_not_committed_and_names_table_and_check(shop: Path) -> None:
    feature = "-- One row per person.\n-- owner: team:shop\n-- feature\n-- check: count(*) = 0\nSELECT person_id, 1 AS one FROM people\n"
    (shop / "features").mkdir(exist_ok=True)
    (shop / "features" / "never_true.sql").write_text(feature)
    night = run(shop, "2026-07-02")
    assert night.result.exit_code == 2
    assert "the night is not committed: never_true: count(*) = 0 is not so (measured 2)" in night.result.stderr
    assert "\nFix: " in night.result.stderr
    assert night.current.name == "20260701T020000Z-r1"
