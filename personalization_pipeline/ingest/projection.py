"""The SELECTs that turn rows of text into facts: every mapped column typed, and what is wrong with a row beside it.

Belongs here: SQL over the rows of one file. Does not belong here: what a mapping may say (ingest.mapping), where the
rows come from (ingest.rows) and which version of a thing counts (ingest.versions).
"""

from __future__ import annotations

from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.warehouse import literal, named
from personalization_pipeline.ingest.entities import Entity
from personalization_pipeline.ingest.mapping import WHERE, Column
from personalization_pipeline.ingest.rows import Rows


def typed_rows(columns: list[Column], source: Source, rows: Rows) -> str:
    """The SELECT that types the rows of a file: every mapped column by its alias; `reasons`: why a row is refused, NULL
    where it is not; `line`: its text if it is; `unread`: columns whose text does not parse, though the row can do
    without them, NULL where there is none; `birth_date_text`: what `birth_date` is read from, NULL where there is none.
    """
    own = [column for column in columns if column.entity == source.rows_are]
    refusals = [
        f"CASE WHEN {_is_good(k)} OR NOT {k.meant} THEN NULL ELSE {literal(k.name)} || CASE WHEN {_is_filled(k)} THEN ' unreadable' "
        "ELSE ' missing' END END"
        for k in own
        if _is_good(k)
    ]
    unread = [
        f"CASE WHEN {k.meant} AND {_is_filled(k)} AND {k.alias} IS NULL THEN {literal(f'{k.entity}.{k.name}')} END"
        for k in columns
        if k.kind != "VARCHAR" and not (k in own and k.is_required)
    ] + [
        f"CASE WHEN {k.meant} AND {k.alias} NOT IN {_words(k)} THEN {literal(f'{k.entity}.{k.name}')} END"
        for k in columns
        if k.values and k not in own
    ]
    return (
        f"SELECT {', '.join(k.alias for k in columns)}, "
        f"coalesce({rows.problem}, CASE WHEN NOT ({_is_any_good(own)}) THEN {_listed(refusals)} END) AS reasons, "
        f"CASE WHEN reasons IS NOT NULL THEN {rows.line} END AS line, "
        f"CASE WHEN reasons IS NULL THEN {_listed(unread)} END AS unread, {_birth_date_text(columns)} AS birth_date_text "
        f"FROM (SELECT *, {', '.join(f'{k.sql} AS {k.alias}' for k in columns)} FROM ({rows.relation}))"
    )


def birth_date(columns: list[Column]) -> Column | None:
    """The column that says when somebody was born, where it is read from one column of the file."""
    found = (k for k in columns if (k.entity, k.name) == ("contacts", "birth_date") and len(k.reads) == 1)
    return next(found, None)


def _birth_date_text(columns: list[Column]) -> str:
    found = birth_date(columns)
    return (
        f"CASE WHEN reasons IS NULL AND {found.meant} THEN {named(found.reads[0])} END"
        if found
        else "CAST(NULL AS VARCHAR)"
    )


def _is_filled(column: Column) -> str:
    """SQL: the row holds a text that this column is made of."""
    return f"({' OR '.join(f'{named(read)} IS NOT NULL' for read in column.reads) or 'false'})"


def _is_good(column: Column) -> str:
    """SQL: the column holds what its entity must have of it; empty where that is nothing."""
    if column.name == WHERE:
        return column.alias
    needed = f"{column.alias} IS NOT NULL" if column.is_required else ""
    known = f"({column.alias} IN {_words(column)}) IS NOT FALSE" if column.values else ""
    return " AND ".join(filter(None, (needed, known)))


def _is_any_good(own: list[Column]) -> str:
    """SQL: a row is refused only where none of the mappings of what it is has all that it must have."""
    by_mapping: dict[int, list[str]] = {}
    for column in own:
        by_mapping.setdefault(column.index, []).append(_is_good(column) or "true")
    return " OR ".join(f"({' AND '.join(parts)})" for parts in by_mapping.values())


def _words(column: Column) -> str:
    return f"({', '.join(map(literal, column.values))})"


def _listed(words: list[str]) -> str:
    """SQL: the words that are not NULL as a text, NULL where all are."""
    return f"nullif(concat_ws(', ', {', '.join(words)}), '')" if words else "CAST(NULL AS VARCHAR)"


def entity_rows(entity: Entity, columns: list[Column], rows_are: str) -> str:
    """The SELECT over the table `typed` that gives one entity's facts: entity columns, `row_number`, `content`.

    Rows of an entity that comes along with another's rows (contacts on order lines) are written once per content, and
    not at all where what they must have is blank or unknown.
    """
    selects = []
    for index in sorted({column.index for column in columns if column.entity == entity.name}):
        given = {k.name: k for k in columns if k.entity == entity.name and k.index == index}
        chosen = ", ".join(
            f"{given[name].alias if name in given else 'NULL'}::{kind} AS {name}"
            for name, kind in entity.columns.items()
        )
        fact = is_fact(columns, entity.name, index)
        selects.append(f"SELECT {chosen}, rowid + 1 AS row_number FROM typed WHERE {fact}")
    rows = " UNION ALL ".join(selects)
    names = ", ".join(entity.columns)
    if entity.name != rows_are:
        rows = f"SELECT {names}, min(row_number) AS row_number FROM ({rows}) GROUP BY {names}"
    # Two characters that no file of text holds: one for NULL, one between columns.
    texts = [f"coalesce(CAST({name} AS VARCHAR), chr(0))" for name in entity.columns if name != entity.generated]
    content = f"md5_number_lower(concat_ws(chr(31), {', '.join(texts)}))"
    return _with_generated_key(entity, f"SELECT *, {content} AS content FROM ({rows})")


def is_fact(columns: list[Column], entity: str, index: int) -> str:
    """SQL over the table `typed`: this mapping makes a fact of the row."""
    own = [column for column in columns if (column.entity, column.index) == (entity, index)]
    return f"({' AND '.join(['reasons IS NULL', *filter(None, map(_is_good, own))])})"


def _with_generated_key(entity: Entity, rows: str) -> str:
    if not entity.generated:
        return f"SELECT * FROM ({rows}) ORDER BY row_number"
    place = "row_number() OVER (PARTITION BY content ORDER BY row_number)"
    key = f"coalesce({entity.generated}, 'row:' || content || '/' || {place})"
    return f"SELECT * REPLACE ({key} AS {entity.generated}) FROM ({rows}) ORDER BY row_number"
