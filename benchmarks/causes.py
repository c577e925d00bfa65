"""What the causes of changes cost: two nights of made-up people, of whom a hundredth moved for each reason.

    python -m benchmarks.causes [PEOPLE]

Prints the seconds of the last tables of segment and activate, beside those that made the night itself. What landed and
what resolve concludes is made by SQL; every other table by the package's own SELECT.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from personalization_pipeline.analyze.scoring import READY
from personalization_pipeline.foundation.building import build
from personalization_pipeline.foundation.warehouse import query
from personalization_pipeline.starting import start_project
from personalization_pipeline_tests.conftest import HandMade
from personalization_pipeline_tests.segment.nights_by_hand import CHANGES, NO_MODELS, TwoNights

RULES = {"loyal": "order_count >= 4", "away": "days_since_last_order > 90", "german": "country = 'DE'"}
PARAMETERS = {"r": 1.0, "alpha": 10.0, "a": 1.0, "b": 2.0}
# Person k has records 2k and 2k + 1, six orders of three lines; tonight a hundredth merged, refused, ordered.
ROWS = {
    "records": "SELECT 'r' || r AS record_key, 'p' || CASE WHEN {t} AND r // 2 % 100 = 0 THEN r // 2 + 1 ELSE r // 2 END AS person_id FROM range(2 * {n}) AS t(r)",
    "contacts": "SELECT 'r' || r AS record_key, CASE r % 3 WHEN 0 THEN 'FR' ELSE 'DE' END AS country FROM range(2 * {n}) AS t(r)",
    "identifiers": "SELECT person_id, record_key, 'email' AS address_kind, 'email:' || record_key || '@mail.example' AS address, record_key || '@mail.example' AS value FROM records",
    "consent_state": "SELECT 'email:' || record_key || '@mail.example' AS address, '' AS brand, purpose, 'email' AS channel, CASE WHEN {t} AND CAST(substr(record_key, 2) AS BIGINT) // 2 % 100 = 7 THEN 'refused' ELSE 'granted' END AS status, TIMESTAMP '2026-01-01' AS decided_at, 'consent' AS basis FROM records, (VALUES ('marketing'), ('profiling')) AS p(purpose)",
    "orders": "SELECT 'o' || r || '-' || o AS order_key, records.person_id FROM range(2 * {n}) AS t(r), range(3) AS s(o) JOIN records ON record_key = 'r' || r WHERE {t} OR NOT (r // 2 % 100 = 9 AND o = 0)",
    "order_lines": "SELECT order_key || '-' || l AS line_key, order_key, person_id, 20 AS amount, 0 AS discount_amount, 'sale' AS line_kind, TIMESTAMP '2026-06-30' - INTERVAL 1 DAY * CAST(md5_number_lower(order_key) % 400 AS INTEGER) AS occurred_at, CAST(occurred_at AS DATE) AS occurred_on FROM orders, range(3) AS s(l)",
}


class ManyPeople(TwoNights):
    """The same two nights, filled by SQL."""

    count = 0
    is_tonight = False

    def give(self) -> None:
        for table, sql in ROWS.items():
            target = self.building.catalogue.tables[table].target
            self.hand.connection.execute(f"DELETE FROM {target}")
            filled = sql.format(n=self.count, t=str(self.is_tonight).lower())
            self.hand.connection.execute(f"INSERT INTO {target} BY NAME {filled}")


def main(people: int) -> None:
    """Two nights, the second timed."""
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "shop"
        start_project(project)
        for name, where in RULES.items():
            (project / "segments" / f"{name}.yaml").write_text(f"description: x\nwhere: {where}\n", encoding="utf-8")
        nights = ManyPeople(HandMade(project), Path(scratch))
        nights.count = people
        nights.models = {**NO_MODELS, "bgnbd": {**NO_MODELS["bgnbd"], "status": READY, "parameters": PARAMETERS}}
        nights.passes()
        rule = "description: x\nwhere: order_count >= 5\n"
        (project / "segments" / "loyal.yaml").write_text(rule, encoding="utf-8")
        changed = {**nights.models["bgnbd"], "parameters": {**PARAMETERS, "alpha": 11.0}}
        nights.models = {**nights.models, "bgnbd": changed}
        nights.is_tonight = True
        started = time.perf_counter()
        nights.make("2026-07-02 02:00:00")
        print(f"{people:,} people: segment to activate {time.perf_counter() - started:.1f} s")
        for name in CHANGES:
            started = time.perf_counter()
            rows = build(nights.building, name).row_count
            print(f"  {name:<20}{rows:>10,} rows {time.perf_counter() - started:8.1f} s")
        for table, column in ("segment_changes", "segment"), ("audience_changes", "destination"):
            found = query(
                nights.building.connection, f"SELECT {column}, cause, count(*) FROM {table} GROUP BY ALL ORDER BY ALL"
            )
            print(f"  {table}: {found}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
