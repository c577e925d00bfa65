"""The Python steps of phase ingest, named so that its SELECTs can read them as computed.<name>."""

from __future__ import annotations

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.checks import metrics_sql, read_check
from personalization_pipeline.foundation.judge import judge
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.phases import Computed, Phase
from personalization_pipeline.foundation.warehouse import literal, put_frame, query, row
from personalization_pipeline.ingest import landing, versions
from personalization_pipeline.ingest.birth_dates import MOST_UNREAD, BirthDates, in_words
from personalization_pipeline.ingest.entities import entities
from personalization_pipeline.ingest.reading import summary_of


def _landed(building: Building) -> pl.DataFrame:
    """Read what is new, then settle when each file was first seen: the night that saw these bytes first."""
    found = landing.read_landing(building)
    put_frame(building.connection, "computed.main.landed_files", found, landing.COLUMNS)
    building.connection.execute(
        "CREATE OR REPLACE TABLE computed.main.files_seen AS "
        "SELECT landed.file_key, landed.source, min(landed.path) AS path, "
        "min(coalesce(before.first_seen_at, (SELECT as_of FROM run.main.tonight))) AS first_seen_at "
        "FROM computed.main.landed_files AS landed LEFT JOIN yesterday.main.files AS before "
        "ON before.source = landed.source AND before.sha256 = landed.sha256 GROUP BY landed.file_key, landed.source "
        # Of a file whose every row was refused nothing can be said: it is no snapshot that others are absent from.
        "HAVING max(landed.row_count) > max(landed.rejected_count)"
    )
    return found


def _rejects(building: Building) -> None:
    """Refused rows of all files that were read, as they lie in the facts store.

    It looks at the landed files by name, not as a relation of its table: that would read the landing folder again.
    """
    facts = Store(building.project.store).facts
    keys = query(
        building.connection,
        "SELECT DISTINCT file_key FROM computed.main.landed_files WHERE refusal = '' AND rejected_count > 0 ORDER BY 1",
    )
    paths = [str(facts / key / "rejects.parquet") for (key,) in keys]
    if paths:
        building.connection.execute(
            "INSERT INTO computed.main.refused_rows "
            "SELECT landed.source, landed.path, refused.row_number, refused.reasons, refused.line "
            f"FROM read_parquet([{', '.join(map(literal, paths))}], filename=true) AS refused "
            "JOIN computed.main.landed_files AS landed "
            "ON landed.file_key = split_part(refused.filename, '/', -2) AND NOT landed.is_repeat"
        )


def _declared(building: Building) -> pl.DataFrame:
    """Consent that a named person declares for a whole source, one row per purpose."""
    rows = [
        {
            "source": name,
            "purpose": purpose,
            "channel": source.declared_consent.channel,
            "status": source.declared_consent.status,
            "evidence": f"{source.declared_consent.evidence} ({source.declared_consent.decided_by})",
            "decided_on": source.declared_consent.decided_on,
        }
        for name, source in building.project.sources.items()
        if source.declared_consent
        for purpose in source.declared_consent.purposes
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(DECLARED, pl.String), orient="row")


def _source_checks(building: Building) -> pl.DataFrame:
    """What each source promises about its rows, judged over the rows kept tonight; and that its birth dates can be read."""
    rows = _birth_date_checks(building)
    for name, source in building.project.sources.items():
        checks = [read_check(text, building.project.file("sources", name)) for text in source.checks]
        relation = f"(SELECT * FROM facts.main.{source.rows_are} WHERE source = {literal(name)})"
        metrics = row(building.connection, metrics_sql(checks, relation)) if checks else {}
        rows += [
            {"source": name, "check_text": v.check, "value": v.value, "is_passed": v.passed, "owner": source.owner}
            for v in judge(metrics, checks)
        ]
    return pl.DataFrame(rows, schema=dict.fromkeys(SOURCE_CHECKS, None), orient="row")


def _birth_date_checks(building: Building) -> list[dict[str, object]]:
    """One per source that writes birth dates: how many are unread in the file in which the most are."""
    facts, project, rows = Store(building.project.store).facts, building.project, list[dict[str, object]]()
    files = query(
        building.connection,
        "SELECT source, path, file_key FROM computed.main.landed_files WHERE refusal = '' AND NOT is_repeat ORDER BY ALL",
    )
    for name, source in project.sources.items():
        found = [(summary_of(facts / key).birth_dates, path) for owner, path, key in files if owner == name]
        worst, path = max(found, key=lambda file: file[0].unread_share, default=(BirthDates(), ""))
        if any(told.written_count for told, _ in found):
            text = f"share of birth dates unread <= {MOST_UNREAD:g}"
            rows.append(
                {
                    "source": name,
                    "check_text": text if worst.is_readable else f"{text}: {in_words(project, name, path, worst)}",
                    "value": worst.unread_share,
                    "is_passed": worst.is_readable,
                    "owner": source.owner,
                }
            )
    return rows


SOURCE_CHECKS = {
    "source": "VARCHAR",
    "check_text": "VARCHAR",
    "value": "DOUBLE",
    "is_passed": "BOOLEAN",
    "owner": "VARCHAR",
}
DECLARED = {
    "source": "VARCHAR",
    "purpose": "VARCHAR",
    "channel": "VARCHAR",
    "status": "VARCHAR",
    "evidence": "VARCHAR",
    "decided_on": "DATE",
}
REFUSED = {
    "source": "VARCHAR",
    "path": "VARCHAR",
    "row_number": "BIGINT",
    "reasons": "VARCHAR",
    "line": "VARCHAR",
}

# What facts.<entity> looks like before the first file has landed.
EMPTY_FACTS = {
    name: {**entity.columns, "source": "VARCHAR", "file_key": "VARCHAR", "row_number": "BIGINT"}
    for name, entity in entities().items()
}

PHASE = Phase(
    "ingest",
    computed={
        "landed_files": Computed(_landed, landing.COLUMNS),
        "fates": Computed(versions.assemble, versions.FATES, after=("landed_files",)),
        "set_aside": Computed(versions.set_aside, versions.SET_ASIDE, reads=("files",)),
        "refused_rows": Computed(_rejects, REFUSED, reads=("files",)),
        "source_checks": Computed(_source_checks, SOURCE_CHECKS, reads=("files",)),
        "declared_consents": Computed(_declared, DECLARED, reads=("files",)),
    },
)
