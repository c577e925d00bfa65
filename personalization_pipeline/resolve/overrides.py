"""What a project knows better about comparing records: section `identity` of project.yaml, checked and applied.

Belongs here: the cut, facts that are not compared, levels in the place of ours. Does not belong here: our own comparisons
(comparisons), how much agreement is worth (identity_model learns that of own levels as of any other), and exact keys, which
are rules and no comparisons (link).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from personalization_pipeline.foundation.declarations import OwnLevel
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.expressions import read_expression
from personalization_pipeline.foundation.project import Project, nearest
from personalization_pipeline.foundation.warehouse import EngineError, scratch_connection
from personalization_pipeline.resolve.comparisons import COLUMNS, MISSING, Comparison, Level

# Comparison -> its levels (label, sql), the best first; none of them: it is not compared. Plain, to be kept in the artefact.
Overrides = Mapping[str, list[dict[str, str]]]

ELSE = "ELSE"
FUNCTIONS = frozenset({"damerau_levenshtein", "jaro_similarity", "jaccard", "hamming"})  # that SQL itself does not name
NOT_COMPARED = frozenset({"record_key", "contact_digest", "same_as_key"})


def overrides(project: Project, columns: Mapping[str, str]) -> Overrides:
    """The comparisons that a project sets, for records with these columns (name -> type).

    Raises ProjectError naming project.yaml, the word and the nearest known names, or what the engine says.
    """
    where = project.folder / "project.yaml"
    known = [name for name, column in COLUMNS.items() if column in columns]
    found: dict[str, list[dict[str, str]]] = {}
    for name, own in sorted(project.settings.identity.comparisons.items()):
        if name not in known:
            raise ProjectError(
                f"identity.comparisons: unknown comparison {name!r}", fix=nearest(name, known), where=where
            )
        found[name] = [] if own is None else _levels(name, own.levels, columns, where)
    return found


def overridden(made: list[Comparison], own: Overrides) -> list[Comparison]:
    """Our comparisons with a project's levels in the place of ours, and without those that it switches off.

    When a fact is missing stays ours to say. Of own levels nobody knows what is usual: each counts as half as usual as the
    better one, until true pairs say otherwise.
    """
    kept = [comparison for comparison in made if own.get(comparison["output_column_name"]) != []]
    return [_with_levels(comparison, own.get(comparison["output_column_name"])) for comparison in kept]


def _with_levels(comparison: Comparison, levels: list[dict[str, str]] | None) -> Comparison:
    if levels is None:
        return comparison
    parts = [2.0**-place for place in range(len(levels))]
    own: list[Level] = [
        {"label_for_charts": level["label"], "sql_condition": level["sql"], "m_probability": part / sum(parts)}
        for level, part in zip(levels, parts, strict=True)
    ]
    return comparison | {"comparison_levels": [comparison["comparison_levels"][0], *own]}


def _levels(name: str, levels: tuple[OwnLevel, ...], columns: Mapping[str, str], where: Path) -> list[dict[str, str]]:
    labels = [level.label for level in levels]
    for label in {MISSING, *(label for label in labels if labels.count(label) > 1)} & set(labels):
        raise ProjectError(
            f"identity.comparisons.{name}: the label {label!r} is taken",
            fix="give every level a name of its own",
            where=where,
        )
    is_else = [level.sql.strip().upper() == ELSE for level in levels]
    if not is_else[-1] or sum(is_else) > 1:
        raise ProjectError(
            f"identity.comparisons.{name}: its last level, and no other, is what is left",
            fix="end the list with one whose sql is `else`",
            where=where,
        )
    pair = {f"{column}_{side}": kind for column, kind in columns.items() if column not in NOT_COMPARED for side in "lr"}
    conditions = [_condition(name, level.sql, pair, where) for level in levels[:-1]]
    return [{"label": label, "sql": sql} for label, sql in zip(labels, [*conditions, ELSE], strict=True)]


def _condition(name: str, text: str, pair: Mapping[str, str], where: Path) -> str:
    tree = read_expression(
        text,
        columns=pair,
        functions=FUNCTIONS,
        sees="a level sees one pair of records: the columns of `standardised` with the endings _l and _r, literals, CASE, "
        "and functions of values such as jaro_winkler_similarity and damerau_levenshtein",
        unknown="which no pair of records has",
        where=where,
    )
    sql = tree.sql("duckdb", comments=False)
    blank = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in pair.items())
    connection = scratch_connection(threads=1)
    try:
        connection.execute(f"SELECT CAST(({sql}) AS BOOLEAN) FROM (SELECT {blank})")
    except EngineError as error:
        raise ProjectError(
            f"identity.comparisons.{name}: {str(error).splitlines()[0]}",
            fix="correct the expression: is the pair on this level, or not",
            where=where,
        ) from None
    finally:
        connection.close()
    return sql
