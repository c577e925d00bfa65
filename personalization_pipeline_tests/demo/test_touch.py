"""The touchpoint files of a demo world look like what real systems write: ids, clocks, late and repeated batches, nights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from personalization_pipeline.demo import landing, touch
from personalization_pipeline.demo.world import make_world, making


@pytest.fixture(scope="module")
def sql(written_world: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for files in (*touch.PER_CHUNK, *touch.PER_WORLD):
        reader = "read_csv" if files.ending == "csv" else "read_json"
        options = (
            f", all_varchar = true, delim = '{files.delimiter}'"
            if files.ending == "csv"
            else ", format = 'newline_delimited'"
        )
        place = written_world / "landing" / files.source / "*"
        connection.execute(f"CREATE VIEW {files.source} AS SELECT * FROM {reader}('{place}'{options})")
    yield connection
    connection.close()


def one(sql: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = sql.execute(query).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_every_call_tells_the_moment_that_segment_computes_from_its_clocks(sql: duckdb.DuckDBPyConnection) -> None:
    wrong = one(
        sql,
        'SELECT count(*) FROM segment_events WHERE "timestamp" <> "receivedAt" - ("sentAt" - "originalTimestamp")',
    )
    assert wrong == 0


def test_some_clocks_are_wrong_and_some_batches_late(sql: duckdb.DuckDBPyConnection) -> None:
    skewed, late = one(
        sql,
        """SELECT count(*) FILTER (abs(epoch("timestamp") - epoch("originalTimestamp")) > 600),
            count(*) FILTER (epoch("receivedAt") - epoch("timestamp") > 600) FROM segment_events""",
    )
    assert 0 < skewed < one(sql, "SELECT count(*) // 5 FROM segment_events")
    assert 0 < late < one(sql, "SELECT count(*) // 5 FROM segment_events")


def test_a_batch_that_was_sent_twice_repeats_its_message_ids(sql: duckdb.DuckDBPyConnection) -> None:
    rows, messages, contents = one(
        sql,
        'SELECT count(*), count(DISTINCT "messageId"), count(DISTINCT ("messageId", "timestamp", "type", event)) FROM segment_events',
    )
    assert rows > messages == contents


def test_people_are_anonymous_before_they_are_known(sql: duckdb.DuckDBPyConnection) -> None:
    known, anonymous, stitched = one(
        sql,
        """SELECT count("userId"), count(*) - count("userId"),
            (SELECT count(*) FROM (SELECT "anonymousId" FROM segment_events GROUP BY 1 HAVING count("userId") BETWEEN 1 AND count(*) - 1))
        FROM segment_events""",
    )
    assert known > 1000
    assert anonymous > 1000
    assert stitched > 100


def test_an_identify_call_names_its_account_and_nothing_else_does(sql: duckdb.DuckDBPyConnection) -> None:
    assert one(sql, "SELECT count(*) FROM segment_events WHERE (type = 'identify') <> (traits IS NOT NULL)") == 0
    assert one(sql, "SELECT count(*) FROM segment_events WHERE type = 'identify' AND \"userId\" IS NULL") == 0


def test_bots_click_faster_than_anybody_can(sql: duckdb.DuckDBPyConnection) -> None:
    rates = sql.execute(
        """SELECT "context"."userAgent" LIKE 'python%' AS is_bot, max(calls) FROM (
            SELECT context, count(*) AS calls FROM segment_events
            GROUP BY context, "anonymousId", date_trunc('minute', "timestamp"))
        GROUP BY is_bot ORDER BY is_bot"""
    ).fetchall()
    assert [is_bot for is_bot, _ in rates] == [False, True]
    assert rates[1][1] > 100 > 40 > rates[0][1]


def test_a_machine_opens_mail_that_nobody_reads(sql: duckdb.DuckDBPyConnection) -> None:
    opens = sql.execute(
        """SELECT properties.machine_open, count(*) FROM email_engagement
        WHERE event_type = 'users.messages.email.Open' GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    assert [machine for machine, _ in opens] == ["false", "true"]


def test_nobody_is_written_to_without_a_grant_of_that_brand(sql: duckdb.DuckDBPyConnection) -> None:
    sends = one(sql, "SELECT count(*) FROM email_engagement WHERE event_type LIKE '%Send'")
    covered = one(
        sql,
        """SELECT count(*) FROM email_engagement AS mail WHERE event_type LIKE '%Send' AND EXISTS (
            SELECT 1 FROM consent_export AS word
            WHERE word.customer_id = mail."user".external_user_id AND word.brand = mail.properties.app_group
            AND word.action = 'opt_in' AND word.purpose = 'marketing' AND word.channel = 'email'
            AND epoch(CAST(word.recorded_at AS TIMESTAMP)) <= mail."time")""",
    )
    assert sends == covered > 100


def test_the_mail_system_stops_after_an_unsubscribe_or_a_bounce(sql: duckdb.DuckDBPyConnection) -> None:
    after = one(
        sql,
        """WITH stopped AS (
            SELECT "user".external_user_id AS customer, properties.app_group AS brand, min("time") AS at
            FROM email_engagement WHERE event_type LIKE '%Unsubscribe' OR event_type LIKE '%Bounce' GROUP BY ALL
        ) SELECT count(*) FROM email_engagement AS mail JOIN stopped
        ON stopped.customer = mail."user".external_user_id AND stopped.brand = mail.properties.app_group
        WHERE mail.event_type LIKE '%Send' AND mail."time" > stopped.at""",
    )
    assert after == 0


def test_consent_is_given_pending_refused_withdrawn_and_expires(sql: duckdb.DuckDBPyConnection) -> None:
    found = dict(sql.execute("SELECT action, count(*) FROM consent_export GROUP BY action").fetchall())
    assert set(found) == {"opt_in", "pending", "opt_out", "withdrawn"}
    assert (
        one(sql, "SELECT count(*) FROM consent_export WHERE CAST(expires_at AS TIMESTAMP) < TIMESTAMP '2026-07-01'") > 0
    )
    unconfirmed = one(
        sql,
        """SELECT count(*) FROM consent_export AS asked WHERE action = 'pending' AND NOT EXISTS (
            SELECT 1 FROM consent_export AS word WHERE word.action = 'opt_in' AND (word.customer_id, word.brand, word.purpose, word.channel)
            = (asked.customer_id, asked.brand, asked.purpose, asked.channel))""",
    )
    assert unconfirmed > 0


def test_a_content_asset_has_a_missing_locale_and_rights_that_ran_out(sql: duckdb.DuckDBPyConnection) -> None:
    missing = one(
        sql, "SELECT count(*) FROM (SELECT asset_id FROM assets GROUP BY asset_id HAVING count(DISTINCT locale) < 3)"
    )
    assert missing > 0
    assert one(sql, "SELECT count(*) FROM assets WHERE rights_until < '2026-07-01'") > 0


def test_the_advertising_channel_claims_orders_that_it_did_not_cause(sql: duckdb.DuckDBPyConnection) -> None:
    assert one(sql, "SELECT sum(CAST(conversions AS INTEGER)) FROM ad_reports") > 0


def test_every_night_lands_its_own_day_and_only_that(written_world: Path) -> None:
    for day in ("2026-07-01", "2026-07-02"):
        night = datetime.fromisoformat(day).replace(day=int(day[-2:]) + 1)
        place = written_world / "arrivals" / f"{night:%Y-%m-%d}" / "segment_events" / f"{day}.ndjson.zst"
        days = duckdb.sql(
            f"SELECT DISTINCT CAST(CAST(\"receivedAt\" AS TIMESTAMP) AS DATE) FROM read_json('{place}', format = 'newline_delimited')"
        ).fetchall()
        assert {str(found) for (found,) in days} >= {day}
        assert len(days) <= 2  # a batch that began before midnight arrives with its end


def _bytes_of(folder: Path, threads: int, seed: int) -> dict[str, str]:
    folder.mkdir()
    with making(folder, seed) as connection:
        connection.execute(f"SET threads = {threads}")
        make_world(connection, people=120, seed=seed, progress=lambda _: None)
        landing.about(connection, touch.BEGINNING, landing.CLOSED_AT)
        touch.write_touch(connection, folder, nights=2, progress=lambda _: None)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads_and_another_seed_others(tmp_path: Path) -> None:
    once = _bytes_of(tmp_path / "once", 1, 5)
    again = _bytes_of(tmp_path / "again", 4, 5)
    other = _bytes_of(tmp_path / "other", 2, 6)
    assert once == again
    assert once["landing/segment_events/2026-06-30.ndjson.zst"] != other["landing/segment_events/2026-06-30.ndjson.zst"]


def test_chunks_change_which_file_a_person_is_in_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(folder: Path) -> list[str]:
        place = folder / "landing" / "consent_export" / "*.csv"
        return [
            str(row)
            for row in duckdb.sql(f"SELECT * FROM read_csv('{place}', all_varchar = true) ORDER BY ALL").fetchall()
        ]

    _bytes_of(tmp_path / "whole", 2, 5)
    monkeypatch.setattr(touch, "CHUNK", 50)
    _bytes_of(tmp_path / "chunked", 2, 5)
    assert lines(tmp_path / "whole") == lines(tmp_path / "chunked")
    assert len(list((tmp_path / "chunked" / "landing" / "consent_export").iterdir())) == 3
