"""Members of an audience become the bytes of a file, in the format of its destination.

Belongs here: cells, rows, what is left out and why, CSV. Does not belong here: who is a member (the audience's
waterfall), what a value looks like (activate.normalise), proof (activate.certificate), writing to disk.

The same members give the same bytes in whatever order they come: rows are sorted by what is in them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from personalization_pipeline.activate.formats import Column, Format, Group
from personalization_pipeline.activate.normalise import Refusal, judge

HASHES: dict[str, Callable[[str], str]] = {"sha256_hex": lambda text: hashlib.sha256(text.encode()).hexdigest()}
LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}
# A spreadsheet may run a cell that begins so: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

NO_ADDRESS = "no_address"
DUPLICATE_ADDRESS = "duplicate_address"


@dataclass(frozen=True)
class Rendered:
    """`rejects` (person_id, reason): one row per member who is in no row of the file, sorted by person_id.

    Reasons: a code of `normalise.Refusal`; `<field>_missing` where a blank is forbidden; `no_address` where nothing
    identifies the person; `duplicate_address` where the person's rows repeat addresses that stand in other rows.
    """

    content: bytes
    rows: int
    rejects: pl.DataFrame


def render(format: Format, members: pl.DataFrame) -> Rendered:
    """One row per member x address, as the format wants it.

    `members`: text columns person_id (never null), external_id, email, phone, first_name, last_name, postal_code,
    country (ISO 3166-1 alpha-2); a person may have several rows, and an address that may not be used is null.
    """
    fields = [column.field for column in format.columns]
    rows = _with_complete_addresses(format, _cells(format, members))
    rows = rows.with_columns(
        reason=pl.when(pl.col("refusal").is_not_null())
        .then("refusal")
        .when(~_is_identified(format))
        .then(pl.coalesce("doubt", pl.lit(NO_ADDRESS)))
    )
    kept = _one_address_once(format, rows.filter(pl.col("reason").is_null()).select("member", *fields))
    content = _csv(format, kept.select(pl.col(column.field).alias(column.header) for column in format.columns))
    return Rendered(content, kept.height, _rejects(rows, kept))


def _cells(format: Format, members: pl.DataFrame) -> pl.DataFrame:
    """member, a cell per field, `refusal` (why the row cannot be sent) and `doubt` (why a cell of it is empty)."""
    rows = members.select(member="person_id")
    refusals: list[pl.Expr] = []
    doubts: list[str] = []
    for column in format.columns:
        cell, doubt = pl.col(column.field), f"{column.field} doubt"
        rows = rows.with_columns(_column(column, members, format.formula_escape).rename({"doubt": doubt}))
        doubts.append(doubt)
        if column.blank == "forbid":
            missing = pl.coalesce(doubt, pl.lit(f"{column.field}_missing"))
            refusals.append(pl.when(cell.is_null()).then(missing))
        elif column.blank == "null":
            refusals.append(pl.col(doubt))
    refusal = pl.coalesce(*refusals, pl.lit(None, dtype=pl.String))
    return rows.with_columns(refusal=refusal, doubt=pl.coalesce(doubts)).drop(doubts)


def _column(column: Column, members: pl.DataFrame, formula_escape: bool) -> pl.DataFrame:
    """The cells of one column, in the members' order: <field> and `doubt`. Each distinct value is normalised once."""
    asked = members.select(value=column.field, country="country")
    distinct = asked.unique()
    cells: list[str | None] = []
    doubts: list[str | None] = []
    for value, country in distinct.iter_rows():
        outcome = judge(column.normaliser, value, country)
        if isinstance(outcome, str) and column.hash:
            outcome = HASHES[column.hash](outcome)
        elif isinstance(outcome, str) and formula_escape and outcome.startswith(FORMULA_STARTS):
            outcome = f"'{outcome}"
        cells.append(None if isinstance(outcome, Refusal) else outcome)
        doubts.append(outcome.value if isinstance(outcome, Refusal) else None)
    distinct = distinct.with_columns(
        pl.Series(column.field, cells, dtype=pl.String), pl.Series("doubt", doubts, dtype=pl.String)
    )
    joined = asked.join(distinct, on=["value", "country"], how="left", nulls_equal=True, maintain_order="left")
    return joined.select(column.field, "doubt")


def _is_filled(group: Group) -> pl.Expr:
    return pl.all_horizontal(pl.col(field).is_not_null() for field in group)


def _is_identified(format: Format) -> pl.Expr:
    return pl.any_horizontal(_is_filled(group) for group in format.identity)


def _with_complete_addresses(format: Format, rows: pl.DataFrame) -> pl.DataFrame:
    """Half an address matches nobody, so its cells are not sent: personal data that would serve no purpose."""
    useful = {}
    for column in format.columns:
        groups = [group for group in format.identity if column.field in group]
        if column.blank == "omit" and groups:
            is_useful = pl.any_horizontal(_is_filled(group) for group in groups)
            useful[column.field] = pl.when(is_useful).then(column.field)
    return rows.with_columns(**useful)


def _one_address_once(format: Format, rows: pl.DataFrame) -> pl.DataFrame:
    """The first row, in the order of the rows' content, keeps an address; a later row loses it, or is lost itself."""
    fields = [column.field for column in format.columns]
    silent = {column.field for column in format.columns if column.blank == "omit"}
    rows = rows.sort(*fields, "member")
    for group in format.dedupe:
        is_repeated = _is_filled(group) & ~pl.struct(group).is_first_distinct()
        if silent.issuperset(group):
            rows = rows.with_columns(pl.when(~is_repeated).then(field).alias(field) for field in group)
        else:
            rows = rows.filter(~is_repeated)
    return rows.filter(_is_identified(format)).unique(fields, keep="first", maintain_order=True).sort(fields)


def _rejects(rows: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """One reason per lost member: of several rows, the one that came furthest speaks."""
    reason = pl.col("reason")
    distance = pl.when(reason.is_null()).then(0).when(reason == NO_ADDRESS).then(2).otherwise(1)
    return (
        rows.join(kept, on="member", how="anti")
        .sort("member", distance, "reason")
        .unique("member", keep="first", maintain_order=True)
        .select(person_id="member", reason=reason.fill_null(DUPLICATE_ADDRESS))
    )


def _csv(format: Format, frame: pl.DataFrame) -> bytes:
    """RFC 4180; where a spreadsheet will read it, every cell is quoted, so that no separator inside starts a formula."""
    buffer = io.BytesIO()
    frame.write_csv(
        buffer,
        include_bom=format.encoding == "utf-8-sig",
        separator=format.delimiter,
        line_terminator=LINE_ENDS[format.line_end],
        quote_style="always" if format.formula_escape else "necessary",
    )
    return buffer.getvalue()
