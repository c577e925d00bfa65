"""The demo project's touchpoint sources read every line of the files that the world writes, and mean the right thing by it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from personalization_pipeline.demo import touch
from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.foundation.project import read_declaration
from personalization_pipeline.foundation.warehouse import Limits
from personalization_pipeline.ingest.reading import FileSummary, read_file
from personalization_pipeline.starting import DEMO_PROJECT

FILES = (*touch.PER_CHUNK, *touch.PER_WORLD)
KINDS = {
    "segment_events": {"page", "app"},
    "email_engagement": {"send", "receipt", "open", "click", "bounce", "unsubscribe"},
    "sms_engagement": {"send", "receipt", "click", "bounce", "reply"},
    "zendesk_tickets": {"ticket"},
    "chats": {"chat"},
    "calls": {"call"},
    "reviews": {"review"},
    "social_posts": {"post"},
    "beacons": {"beacon"},
    "kiosk_sessions": {"kiosk"},
}


def read(world: Path, name: str, target: Path) -> tuple[Source, FileSummary, Path]:
    """One source's first landed file, read; its facts lie in the folder that comes back."""
    where = DEMO_PROJECT / "sources" / f"{name}.yaml"
    source = read_declaration(where, Source)
    path = min((world / "landing").glob(source.files))
    return source, read_file(path, name, source, where, target, Limits(threads=2)), target


@pytest.mark.parametrize("files", FILES, ids=lambda files: files.source)
def test_every_line_is_read_and_every_mapped_entity_gets_rows(
    files: touch.Files, written_world: Path, tmp_path: Path
) -> None:
    source, summary, facts = read(written_world, files.source, tmp_path / "facts")
    assert summary.row_count > 0
    assert (summary.rejected_count, summary.unread) == (0, {})
    for entity in source.maps:
        if (files.source, entity) != ("sms_engagement", "consents"):  # hardly anybody answers STOP in so small a world
            assert duckdb.sql(f"SELECT count(*) FROM read_parquet('{facts}/{entity}.parquet')").fetchall() != [(0,)], (
                entity
            )


@pytest.mark.parametrize("name", KINDS)
def test_events_get_their_canonical_kinds(name: str, written_world: Path, tmp_path: Path) -> None:
    *_, facts = read(written_world, name, tmp_path / "facts")
    kinds = {
        kind for (kind,) in duckdb.sql(f"SELECT DISTINCT kind FROM read_parquet('{facts}/events.parquet')").fetchall()
    }
    assert kinds <= KINDS[name]
    assert len(kinds) >= min(len(KINDS[name]), 3)


def test_moments_are_what_the_world_meant_whatever_the_zone_and_the_unit(written_world: Path, tmp_path: Path) -> None:
    """A beacon sees the phone within an hour of a purchase; nobody is sent a message out of the campaign's hour."""
    *_, beacons = read(written_world, "beacons", tmp_path / "beacons")
    *_, mail = read(written_world, "email_engagement", tmp_path / "mail")
    first, last = duckdb.sql(
        f"SELECT min(occurred_at), max(occurred_at) FROM read_parquet('{beacons}/events.parquet')"
    ).fetchall()[0]
    hours = duckdb.sql(
        f"SELECT DISTINCT hour(occurred_at) FROM read_parquet('{mail}/events.parquet') WHERE kind = 'send'"
    ).fetchall()
    assert (first.year, last.year) in {(2024, 2026), (2025, 2026)}
    assert hours == [(8,)]


def test_only_an_unsubscribe_takes_consent_away(written_world: Path, tmp_path: Path) -> None:
    *_, facts = read(written_world, "email_engagement", tmp_path / "facts")
    unsubscribed = duckdb.sql(
        f"SELECT count(*) FROM read_parquet('{facts}/events.parquet') WHERE kind = 'unsubscribe'"
    ).fetchall()
    consents = duckdb.sql(
        f"SELECT count(*), count(*) FILTER (status = 'refused') FROM read_parquet('{facts}/consents.parquet')"
    ).fetchall()
    assert consents == [(unsubscribed[0][0], unsubscribed[0][0])]


def test_every_consent_names_its_evidence(written_world: Path, tmp_path: Path) -> None:
    *_, facts = read(written_world, "consent_export", tmp_path / "facts")
    rows = duckdb.sql(
        f"SELECT count(*), count(evidence), count(DISTINCT status), count(expires_at) FROM read_parquet('{facts}/consents.parquet')"
    ).fetchall()
    count, evident, statuses, expiring = rows[0]
    assert count == evident
    assert statuses == 3
    assert 0 < expiring < count


def test_the_randomised_campaign_reached_the_treated_only(written_world: Path) -> None:
    landing = written_world / "landing"
    wrong, sends = duckdb.sql(
        f"""SELECT count(*) FILTER (arms.arm IS DISTINCT FROM 'treated'), count(*)
        FROM read_json('{landing}/email_engagement/*', format = 'newline_delimited') AS mail
        LEFT JOIN read_csv('{landing}/campaign_arms/*', all_varchar = true) AS arms ON arms.customer_id = CAST(mail."user".external_user_id AS VARCHAR)
        WHERE mail.properties.campaign_name = 'spring_return' AND mail.event_type LIKE '%Send'"""
    ).fetchall()[0]
    arms = dict(duckdb.sql(f"SELECT arm, count(*) FROM read_csv('{landing}/campaign_arms/*') GROUP BY arm").fetchall())
    assert (wrong, sends > 0) == (0, True)
    assert 0.6 < arms["treated"] / arms["holdout"] < 1.6
