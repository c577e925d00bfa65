"""Reading one file of the shop's till, as its source declares it or otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.errors import SourceRefused
from personalization_pipeline.foundation.warehouse import Limits
from personalization_pipeline.ingest.reading import FileSummary, read_file
from personalization_pipeline_tests.ingest.shop import ORDERS

HEADER = "order,line,customer,sku,amount,sold,kind\n"


class Facts:
    """The folder of one file that was read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, name: str, columns: str) -> list[tuple[Any, ...]]:
        path = self.folder / f"{name}.parquet"
        return duckdb.sql(f"SELECT {columns} FROM read_parquet('{path}') ORDER BY row_number").fetchall()

    @property
    def rejects(self) -> list[tuple[Any, ...]]:
        return self.of("rejects", "row_number, reasons")


Read = Callable[..., tuple[FileSummary, Facts]]


def source(text: str = ORDERS, **changes: object) -> Source:
    """The till's source, or another, with parts of it replaced."""
    return Source.model_validate({**yaml.safe_load(text), **changes})


def refused(read: Read, content: str | bytes, declared: Source | None = None, name: str = "file.csv") -> str:
    """Why a file was refused."""
    with pytest.raises(SourceRefused) as refusal:
        read(content, declared, name=name)
    assert any(words in refusal.value.fix for words in ("till.yaml", "land the file again", "ask its owner"))
    return refusal.value.problem


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(content, declared)` reads one file as the source `till`; returns its summary and its facts."""

    def _read(
        content: str | bytes, declared: Source | None = None, *, name: str = "file.csv", memory: str | None = None
    ) -> tuple[FileSummary, Facts]:
        path, folder = tmp_path / name, tmp_path / "facts" / "key"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        where = tmp_path / "till.yaml"
        summary = read_file(path, "till", declared or source(), where, folder, Limits(memory=memory))
        return summary, Facts(folder)

    return _read
