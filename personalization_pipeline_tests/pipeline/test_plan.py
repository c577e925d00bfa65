"""`personalize plan`: what it predicts is what a revision of the same night then does, row by row; and its words.

Belongs here: the whole command over the demo and over a shop of three. Does not belong here: who moves for which cause
(segment/test_causes).
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from personalization_pipeline.cli import app
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.planning import plan, predicted
from personalization_pipeline.starting import start_project
from personalization_pipeline_tests.conftest import CUSTOMERS, Night
from personalization_pipeline_tests.pipeline import child_nights

COMPARED = (
    "features",
    "segment_members",
    "profiles",
    "audience_candidates",
    "audience_members",
    "audience_waterfall",
    "decisions",
)
FEATURE = """\
-- One row per person: how many of her orders were cheap.
-- owner: team:x
-- feature
-- column cheap_order_count: orders below 30
SELECT people.person_id, count(orders.order_key) AS cheap_order_count
FROM people
LEFT JOIN orders ON orders.person_id = people.person_id AND orders.ordered_on < DATE '2026-03-01'
GROUP BY people.person_id
"""


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def change_everything(project: Path) -> None:
    """A changed threshold, a new segment and one that is gone, a changed audience, a new offer, a new feature."""
    rewrite(project / "segments" / "regulars.yaml", "order_count >= 3", "order_count >= 2")
    (project / "segments" / "promotion_lovers.yaml").unlink()
    (project / "offers" / "tea_sampler.yaml").unlink()
    (project / "features").mkdir(exist_ok=True)
    (project / "features" / "cheap_orders.sql").write_text(FEATURE, encoding="utf-8")
    once = "description: Bought once\nwhere: order_count = 1 and cheap_order_count = 1\n"
    (project / "segments" / "once.yaml").write_text(once, encoding="utf-8")
    rewrite(
        project / "audiences" / "win_back.yaml",
        "order_count >= 2 and",
        "in_segment('regulars') or order_count >= 1 and",
    )
    rewrite(
        project / "audiences" / "win_back.yaml", "destinations: [google_ads, newsletter]", "destinations: [newsletter]"
    )
    offer = (project / "offers" / "free_shipping.yaml").read_text(encoding="utf-8")
    better = offer.replace("order_count >= 1", "in_segment('once')").replace("priority: 10", "priority: 30")
    (project / "offers" / "welcome_back.yaml").write_text(better, encoding="utf-8")


def rows(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    return {name: query(connection, f"SELECT * FROM {name} ORDER BY ALL") for name in COMPARED}


def said(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["plan", *arguments])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.slow
@pytest.mark.replay
def test_the_prediction_is_what_the_next_night_does(demo_copy: Path, night: Night) -> None:
    child_nights.land_july(demo_copy)
    code, words = night(demo_copy, "2026-07-15T02:00:00Z")
    assert code == 0, words
    change_everything(demo_copy)
    project = load_project(demo_copy)
    with predicted(project) as after:
        expected = rows(after.connection)
    told = plan(project)
    # Where the text of that night is not kept, all is made anew: the same comes of it.
    shutil.move(demo_copy / "store" / "projects", demo_copy / "projects")
    with predicted(project) as after:
        assert rows(after.connection) == expected
    shutil.move(demo_copy / "projects", demo_copy / "store" / "projects")
    code, words = night(demo_copy, "2026-07-15T02:00:00Z")
    assert code == 0, words
    with contextlib.closing(published_connection(demo_copy / "store" / "current", private=True)) as connection:
        found = rows(connection)
        moved = "SELECT person_id, change, cause FROM audience_changes WHERE destination = '' AND change = 'entered'"
        (person, change, cause), *_ = query(connection, f"{moved} AND cause = 'rule' ORDER BY person_id")
    for name, listed in found.items():
        assert listed == expected[name], name
    asked = CliRunner().invoke(app, ["why", person, "--project", str(demo_copy), "--audience", "win_back"])
    assert f"since yesterday: {change}, {cause}\n" in asked.output
    report = (demo_copy / "store" / "current" / "report.html").read_text(encoding="utf-8")
    assert "Who came, who went, and why" in report
    assert "rule +" in report
    moves = {(move.kind, move.name, move.destination): move for move in told.moves}
    assert len(moves["segment", "regulars", ""].entered) > 3
    assert moves["segment", "promotion_lovers", ""].status == "removed"
    assert moves["segment", "once", ""].status == moves["offer", "welcome_back", ""].status == "new"
    members = {person for name, person in found["segment_members"] if name == "regulars"}
    assert moves["segment", "regulars", ""].after.count == len(members)
    assert moves["segment", "regulars", ""].entered.keys() <= members
    delivered = moves["delivery", "win_back", "newsletter"].after
    assert delivered.outcomes["delivered"] == delivered.count == len(found["audience_members"])


@pytest.fixture(scope="module")
def starter_of_three(tmp_path_factory: pytest.TempPathFactory, night: Night) -> Path:
    """A new project with three customers and one committed night. Shared: read it, never change it."""
    folder = tmp_path_factory.mktemp("three") / "shop"
    start_project(folder)
    (folder / "landing" / "customers" / "all.csv").write_text(CUSTOMERS, encoding="utf-8")
    rewrite(folder / "project.yaml", "share: 0.05", "share: 0")
    code, words = night(folder, "2026-02-01T02:00:00Z")
    assert code == 0, words
    return folder


@pytest.fixture
def three(starter_of_three: Path, tmp_path: Path) -> Path:
    """A copy of the shop of three that a test may change."""
    return Path(shutil.copytree(starter_of_three, tmp_path / "three", symlinks=True))


def test_a_change_is_told_as_a_comment_on_a_pull_request(three: Path) -> None:
    (three / "segments" / "abroad.yaml").write_text("description: x\nwhere: country <> 'DE'\n", encoding="utf-8")
    rewrite(three / "audiences" / "newsletter.yaml", "in_segment('reachable')", "country <> 'DE'")
    rewrite(three / "sources" / "customers.yaml", "The customer register", "The register")
    assert said("--project", str(three), "--markdown") == (
        """\
## What this change would do

Asked of the night 20260201T020000Z-r1 (2026-02-01 02:00 UTC). Nothing was written.

### Segments

| segment | before | after | entered | left | cause | email | sms | ads | order value |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| abroad (new) | 0 | 2 | 2 | 0 | rule 2 | 0 → 1 | 0 | 0 | 0.00 |

Unchanged: reachable.

### Audiences, by their rule

| audience | before | after | entered | left | cause | email | sms | ads | order value |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| newsletter | 2 | 2 | 1 | 1 | rule 2 | 2 → 1 | 0 | 0 | 0.00 |

### Deliveries

| delivery | before | after | entered | left | cause | no address | no consent | duplicate address | holdout | audience too small | not matchable |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| newsletter to mail_tool | 2 | 1 | 0 | 1 | rule 1 | 0 | 0 → 1 | 0 | 0 | 0 | 0 |

### Notes

- sources/customers.yaml differs: what it maps shows only after a night.
"""
    )


def test_a_change_is_told_in_a_terminal(three: Path) -> None:
    rewrite(three / "segments" / "reachable.yaml", "is_reachable_email", "is_reachable_email and country = 'DE'")
    assert said("--project", str(three)) == (
        """\
Asked of the night 20260201T020000Z-r1 (2026-02-01 02:00 UTC). Nothing was written.

Segments
  reachable: 2 → 1, 0 enter, 1 leave (rule 1)
      email 2 → 1, order value 0.00

Audiences, by their rule
  newsletter: 2 → 1, 0 enter, 1 leave (rule 1)
      email 2 → 1, order value 0.00

Deliveries
  newsletter to mail_tool: 2 → 1, 0 enter, 1 leave (rule 1)
"""
    )


def test_an_unchanged_project_moves_nobody_and_nothing_is_written(three: Path) -> None:
    before = child_nights.bytes_below(three)
    found = json.loads(said("--project", str(three), "--json"))
    assert [move["name"] for move in found["moves"]] == ["newsletter", "newsletter", "reachable"]
    assert not any(move["is_changed"] or move["entered"] or move["left"] for move in found["moves"])
    assert found["notes"] == []
    assert child_nights.bytes_below(three) == before


def test_another_cut_is_known_to_need_a_night(three: Path) -> None:
    rewrite(three / "project.yaml", "sensitive: []", "identity: {cut: 3000}")
    notes = json.loads(said("--project", str(three), "--json"))["notes"]
    assert notes == ["The identity model differs: who is one person shows only after a night."]


def test_json_names_everybody_who_moves(three: Path) -> None:
    rewrite(three / "segments" / "reachable.yaml", "is_reachable_email", "country = 'DE'")
    with contextlib.closing(published_connection(three / "store" / "current", private=True)) as connection:
        ((bob,),) = query(connection, "SELECT person_id FROM people WHERE first_name = 'Bob'")
    found = json.loads(said("--project", str(three), "--json"))
    left = {(move["kind"], move["name"], move["destination"]): move["left"] for move in found["moves"]}
    assert left == {
        ("audience", "newsletter", ""): {bob: "rule"},
        ("delivery", "newsletter", "mail_tool"): {bob: "rule"},
        ("segment", "reachable", ""): {bob: "rule"},
    }


def test_the_analysts_file_alone_tells_reach_by_flags(three: Path, tmp_path: Path) -> None:
    rewrite(three / "segments" / "reachable.yaml", "is_reachable_email", "country = 'DE' and letter_count = 12")
    (three / "features").mkdir()
    feature = "-- One row per person: x.\n-- feature\nSELECT person_id, length(person_id) AS letter_count FROM people\n"
    (three / "features" / "letters.sql").write_text(feature, encoding="utf-8")
    alone = Path(shutil.copy(three / "store" / "current" / "warehouse.duckdb", tmp_path / "alone.duckdb"))
    shutil.rmtree(three / "store")
    found = json.loads(said("--project", str(three), "--against", str(alone), "--json"))
    assert found["as_of"] == "2026-02-01T02:00:00Z"
    moves = {(move["kind"], move["name"]): move for move in found["moves"]}
    assert set(moves) == {("segment", "reachable"), ("audience", "newsletter")}
    assert moves["segment", "reachable"]["before"]["reach"]["is_reachable_email"] == 2
    assert moves["segment", "reachable"]["after"]["reach"]["is_reachable_email"] == 1
    assert any("reach by flags" in note for note in found["notes"])


def feature_of_names(project: Path) -> None:
    (project / "features").mkdir()
    text = "-- One row per person: x.\n-- feature\nSELECT person_id, length(last_name) AS name_length FROM people\n"
    (project / "features" / "names.sql").write_text(text, encoding="utf-8")


def broken_rule(project: Path) -> None:
    rewrite(project / "segments" / "reachable.yaml", "is_reachable_email", "is_reachable_mail")


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (broken_rule, "unknown column 'is_reachable_mail'"),
        (feature_of_names, "features/names.sql is not in that night"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(three: Path, breaks: Callable[[Path], None], words: str) -> None:
    breaks(three)
    alone = three / "store" / "current" / "warehouse.duckdb"
    shutil.copy(alone, three / "alone.duckdb")
    output = said("--project", str(three), "--against", str(three / "alone.duckdb"), code=2)
    assert words in output
    assert "Fix: " in output


def test_there_must_be_a_night_or_a_file_to_ask(three: Path, tmp_path: Path) -> None:
    (three / "store" / "current").unlink()
    assert "there is no night yet" in said("--project", str(three), code=2)
    assert "there is no such file" in said("--project", str(three), "--against", str(tmp_path / "x.duckdb"), code=2)
