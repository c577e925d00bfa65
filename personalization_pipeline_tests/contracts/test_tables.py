"""What every table promises, whoever wrote it: tests over all tables that are discovered, tried over no rows.

Belongs here: rules that hold for every SELECT file of the package and of the projects that lie in the repository.
Does not belong here: what one table computes (its phase's tests), and names and types of columns (test_columns).
"""

from __future__ import annotations

import re
import statistics
from collections import Counter

from sqlglot import exp

from personalization_pipeline import PHASES
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.lint import lint
from personalization_pipeline.ingest.steps import EMPTY_FACTS
from personalization_pipeline.starting import DEMO_PROJECT
from personalization_pipeline_tests.contracts.conftest import PACKAGE, Rehearsals, Rehearsed

NOUN = re.compile(r"[a-z]{3,}(_[a-z]+)*")


def test_a_table_says_what_one_row_is(rehearsed: Rehearsed) -> None:
    assert re.match(r"One row (per|of) [a-z]", rehearsed.table.description)


def test_a_table_has_a_team_that_answers_for_it(rehearsed: Rehearsed) -> None:
    assert re.fullmatch(r"team:[a-z]+(-[a-z]+)*", rehearsed.table.owner)


def test_a_table_uses_no_construct_that_the_lint_refuses(rehearsed: Rehearsed) -> None:
    lint(rehearsed.table.tree, rehearsed.table.path)


def test_a_comment_is_about_a_column_that_the_table_has(rehearsed: Rehearsed) -> None:
    assert set(rehearsed.table.comments) - set(rehearsed.columns) == set()


def test_a_remembered_column_exists_with_the_type_that_is_declared(rehearsed: Rehearsed) -> None:
    declared = dict(rehearsed.table.memory)
    assert declared == {name: rehearsed.columns.get(name) for name in declared}


def test_a_row_that_is_one_thing_is_checked(rehearsed: Rehearsed) -> None:
    """`One row per order, with ...` promises that an order has one row; `per person and day` is another matter."""
    found = re.match(r"One row per ([^:;.]+)", rehearsed.table.description)
    things = found[1].replace(",", "").split() if found else []
    if things and "and" not in things:
        assert rehearsed.table.checks
        key = next(iter(rehearsed.columns))
        if _named_by(key) & set(things):
            assert f"count(*) - count(DISTINCT {key}) = 0" in [check.text for check in rehearsed.table.checks]


def _named_by(key: str) -> set[str]:
    """What a row whose key this is may be called; nothing where the column is no key."""
    stem, _, ending = key.rpartition("_")
    if ending not in ("id", "key"):
        return set()
    return {"person", "buyer", "household"} if stem == "person" else {stem}


def test_a_table_reads_tables_of_its_own_or_earlier_phases(rehearsed: Rehearsed) -> None:
    tables = rehearsed.catalogue.tables
    known = PHASES[: PHASES.index(rehearsed.table.phase) + 1]
    assert {name: tables[name].phase for name in rehearsed.reads if tables[name].phase not in known} == {}


def test_a_table_reads_only_what_there_is(rehearsed: Rehearsed) -> None:
    table, catalogue = rehearsed.table, rehearsed.catalogue
    assert set(table.reads()) <= {*catalogue.tables, "tonight"}
    assert set(table.reads("facts")) <= set(EMPTY_FACTS)
    assert set(table.reads("yesterday")) <= {name for name, other in catalogue.tables.items() if other.memory}
    assert set(table.reads("computed")) <= set(catalogue.computed)


def test_parts_of_a_select_are_named_as_nouns(rehearsed: Rehearsed) -> None:
    tree = rehearsed.table.tree
    names = {alias.name for alias in tree.find_all(exp.TableAlias)} | {cte.alias for cte in tree.find_all(exp.CTE)}
    assert [name for name in sorted(names) if not NOUN.fullmatch(name)] == []


def test_no_part_of_a_select_hides_a_table(rehearsed: Rehearsed) -> None:
    parts = {cte.alias for cte in rehearsed.table.tree.find_all(exp.CTE)}
    assert parts & set(rehearsed.catalogue.tables) == set()


def test_past_three_a_column_has_a_line_of_its_own(rehearsed: Rehearsed) -> None:
    crowded = []
    for select in rehearsed.table.tree.find_all(exp.Select):
        # Branches of a UNION are rows of a list: one line each is how to read them.
        if len(select.expressions) > 3 and not isinstance(select.parent, exp.SetOperation):
            lines = [line for column in select.expressions if (line := _line(column))]
            crowded += [line for line, count in Counter(lines).items() if count > 1]
    assert crowded == []


def _line(column: exp.Expr) -> int | None:
    return next((int(name.meta["line"]) for name in column.find_all(exp.Identifier) if "line" in name.meta), None)


def test_the_median_select_fits_on_a_screen(rehearsals: Rehearsals) -> None:
    texts = [table.sql for table in rehearsals(DEMO_PROJECT).catalogue.tables.values()]
    lengths = [len([line for line in text.splitlines() if line.strip()]) for text in texts]
    assert statistics.median(lengths) <= 30


def test_no_two_tables_share_a_name() -> None:
    names = Counter(path.stem for path in PACKAGE.glob("*/tables/*.sql"))
    assert {name: count for name, count in names.items() if count > 1} == {}
    assert all(NOUN.fullmatch(name) for name in names)


def test_steps_name_only_tables_that_there_are(rehearsals: Rehearsals) -> None:
    building = rehearsals(DEMO_PROJECT)
    named = [(name, table) for name, step in building.catalogue.computed.items() for table in step.reads]
    named += [(name, table) for name, slot in building.catalogue.slots.items() for table in slot.reads]
    assert [(name, table) for name, table in named if table not in building.catalogue.tables] == []
    assert set(building.catalogue.slots) <= set(building.catalogue.tables)


def test_every_step_is_for_a_table_of_its_own_phase(rehearsals: Rehearsals) -> None:
    building = rehearsals(DEMO_PROJECT)
    readers: dict[str, set[str]] = {name: set() for name in building.catalogue.computed}
    for table in building.catalogue.tables.values():
        for name in building.catalogue.computed_before(table.name):
            readers[name].add(table.phase)
    assert {name: phases for name, phases in readers.items() if phases != {_phase_of(building, name)}} == {}


def _phase_of(building: Building, step: str) -> str:
    return building.catalogue.computed[step].make.__module__.split(".")[1]


def test_a_table_with_a_memory_is_read_the_next_night(rehearsals: Rehearsals) -> None:
    tables = rehearsals(DEMO_PROJECT).catalogue.tables.values()
    remembered = {name for table in tables for name in table.reads("yesterday")}
    assert {table.name for table in tables if table.memory} == remembered
