"""Which files have landed and which of them are read: once per content and mapping, whatever their names and places."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.foundation.errors import LandingGone
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.ingest import landing, reading
from personalization_pipeline.ingest.landing import landed_files
from personalization_pipeline_tests.ingest.shop import (
    ORDERS,
    ORDERS_CSV,
    declare,
    fates,
    ingested,
    land,
    make_shop,
    rows,
)

AS_OF = datetime(2026, 7, 1, 2)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The shop with the orders of June."""
    return make_shop(tmp_path / "shop", {"orders/june.csv": ORDERS_CSV})


def facts(shop: Path) -> dict[str, int]:
    """The folders of files that were read, and when each was made."""
    return {folder.name: folder.stat().st_mtime_ns for folder in (shop / "store" / "facts").glob("*")}


def test_the_same_bytes_are_read_once_and_again_only_under_another_mapping(shop: Path) -> None:
    with ingested(shop) as night:
        assert fates(night) == {"orders/june.csv": (3, 3, 0, 0, 0, 0)}
    first = facts(shop)
    with ingested(shop, "2026-07-02T02:00:00Z"):
        assert facts(shop) == first
    declare(shop, orders=ORDERS.replace("product_id: sku", "product_id: upper(sku)").replace("team:shop", "team:tills"))
    with ingested(shop, "2026-07-02T02:00:00Z") as night:
        assert rows(night, "SELECT DISTINCT product_id FROM facts.order_lines ORDER BY 1") == [("POT",), ("TEA",)]
    assert len(facts(shop)) == 2


def test_who_owns_a_source_does_not_make_its_files_other_files(shop: Path) -> None:
    before = landed_files(load_project(shop), AS_OF)
    declare(shop, orders=ORDERS.replace("team:shop", "team:tills"))
    assert landed_files(load_project(shop), AS_OF) == before


def test_a_refused_file_is_tried_again_and_leaves_nothing_in_the_store(shop: Path) -> None:
    land(shop, {"orders/latin.csv": ORDERS_CSV.replace("tea", "thé").encode("latin-1")})
    for as_of in ("2026-07-01T02:00:00Z", "2026-07-02T02:00:00Z"):
        with ingested(shop, as_of) as night:
            assert rows(night, "SELECT refusal FROM files WHERE path = 'orders/latin.csv'") == [("is not utf-8 text",)]
            assert [note.splitlines()[0] for note in night.notes] == ["orders/latin.csv is not utf-8 text"]
    assert len(facts(shop)) == 1
    declare(shop, orders=ORDERS + "format: {encoding: latin-1}\n")
    with ingested(shop, "2026-07-02T02:00:00Z") as night:
        assert night.notes == []


def test_hidden_files_are_uploads_under_way_and_not_looked_at(shop: Path) -> None:
    land(shop, {"orders/.july.csv.partial": b"", "orders/.hidden.csv": ORDERS_CSV})
    assert [file.place for file in landed_files(load_project(shop), AS_OF)] == ["orders/june.csv"]


def test_what_is_no_file_is_refused_and_does_not_stop_the_others(shop: Path) -> None:
    orders = shop / "landing" / "orders"
    (orders / "folder.csv").mkdir()
    (orders / "link.csv").symlink_to("nowhere.csv")
    (orders / "loop.csv").symlink_to("loop.csv")
    os.mkfifo(orders / "pipe.csv")
    with ingested(shop) as night:
        assert fates(night)["orders/june.csv"] == (3, 3, 0, 0, 0, 0)
        refused = rows(night, "SELECT path, refusal, sha256 FROM files WHERE refusal <> '' ORDER BY path")
        assert refused == [
            (f"orders/{name}.csv", "is no file that can be opened", "") for name in ("folder", "link", "loop", "pipe")
        ]
        assert rows(night, "SELECT count(*) FROM files WHERE is_repeat") == [(0,)]
        assert all("\nFix: land it as a file that this user may read" in note for note in night.notes)


def test_a_name_that_is_no_text_is_refused_in_a_readable_form(shop: Path) -> None:
    with open(os.fsencode(shop / "landing" / "orders") + b"/caf\xe9.csv", "wb") as file:  # noqa: PTH123
        file.write(ORDERS_CSV.encode())
    with ingested(shop) as night:
        assert fates(night) == {"orders/caf\\udce9.csv": (0,) * 6, "orders/june.csv": (3, 3, 0, 0, 0, 0)}
        assert night.notes[0].startswith("orders/caf\\udce9.csv is no file that can be opened\nFix: ")


@pytest.mark.parametrize("is_everything", [True, False])
def test_what_vanishes_while_it_is_read_is_refused_unless_the_folder_has_vanished_with_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch, is_everything: bool
) -> None:
    land(shop, {"orders/july.csv": ORDERS_CSV.replace("A,", "C,")})
    real = reading.read_file

    def _read_file(path: Path, *rest: Any) -> Any:
        if path.name == "july.csv":
            shutil.rmtree(shop / "landing") if is_everything else path.unlink()
        return real(path, *rest)

    monkeypatch.setattr(landing, "read_file", _read_file)
    if is_everything:
        with (
            pytest.raises(LandingGone, match=r"landing folder cannot be read.*\nFix: mount or create it"),
            ingested(shop),
        ):
            pass
    else:
        with ingested(shop) as night:
            assert fates(night) == {"orders/july.csv": (0,) * 6, "orders/june.csv": (3, 3, 0, 0, 0, 0)}
            assert night.notes[0].startswith("orders/july.csv is no file that can be opened\nFix: ")


def test_one_file_may_be_two_sources(shop: Path) -> None:
    declare(shop, tills=ORDERS)
    with ingested(shop) as night:
        assert rows(night, "SELECT source, kept_count, is_repeat FROM files ORDER BY 1") == [
            ("orders", 3, False),
            ("tills", 3, False),
        ]
