"""The planted cases of the touchpoints are in the files, and the truth beside them says where: truth/cases.csv names each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest


@pytest.fixture(scope="module")
def sql(written_world: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    landing, truth = written_world / "landing", written_world / "truth"
    connection.execute(f"CREATE VIEW cases AS SELECT * FROM read_csv('{truth}/cases.csv', all_varchar = true)")
    for name in ("people", "consents", "responses", "identities"):
        connection.execute(f"CREATE VIEW true_{name} AS SELECT * FROM read_parquet('{truth}/{name}*.parquet')")
    for name in ("consent_export", "reviews", "app_preferences", "calls", "zendesk_tickets"):
        options = ", delim = ';'" if name == "calls" else ""
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM read_csv('{landing}/{name}/*', all_varchar = true{options})"
        )
    for name in ("segment_events", "email_engagement", "sms_engagement", "chats", "social_posts", "kiosk_sessions"):
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM read_json('{landing}/{name}/*', format = 'newline_delimited')"
        )
    yield connection
    connection.close()


def value(sql: duckdb.DuckDBPyConnection, case: str, kind: str, beginning: str = "") -> str:
    """The one thing of this kind that a case is about, without the beginning that it must have."""
    found = sql.execute(
        "SELECT DISTINCT value FROM cases WHERE case_name = ? AND kind = ? AND starts_with(value, ?)",
        [case, kind, beginning],
    ).fetchall()
    assert len(found) >= 1, f"{case} has no {kind}"
    return str(min(text for (text,) in found)).removeprefix(beginning)


def shop_id(sql: duckdb.DuckDBPyConnection, case: str) -> str:
    return value(sql, case, "record", "shopify_customers:")


def one(sql: duckdb.DuckDBPyConnection, query: str, *values: Any) -> Any:
    row = sql.execute(query, list(values)).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_the_fashion_shopper_leaves_her_traces_on_every_channel(sql: duckdb.DuckDBPyConnection) -> None:
    """R11: style chats, calls, comments and posts of which some name the brand, and a handle that she gave the app."""
    customer = shop_id(sql, "fashion_shopper")
    handles = [
        row[0]
        for row in sql.execute(
            "SELECT value FROM cases WHERE case_name = 'fashion_shopper' AND kind = 'handle'"
        ).fetchall()
    ]
    declared = {
        row[0]
        for row in sql.execute(
            "SELECT value FROM app_preferences WHERE customer_id = ? AND preference LIKE '%handle'", [customer]
        ).fetchall()
    }
    assert {handle.split("/")[1] for handle in handles} == declared
    posts, naming = one(
        sql,
        "SELECT count(*), count(*) FILTER (len(mentions) > 0 OR text LIKE '%Leaf%') FROM social_posts WHERE author.handle IN (SELECT unnest(?))",
        list(declared),
    )
    assert 0 < naming < posts
    crm = value(sql, "fashion_shopper", "record", "salesforce_contacts:")
    assert 1 <= one(sql, "SELECT count(*) FROM calls WHERE crm_contact_id = ?", crm) <= 2
    visitors = "SELECT value FROM true_identities WHERE kind = 'visitor_id' AND person_id = ?"
    person = value(sql, "fashion_shopper", "person")
    chats = one(
        sql, f"SELECT count(*) FROM chats WHERE visitor.id IN ({visitors}) AND department_name = 'Style advice'", person
    )
    assert chats >= 3


def test_whoever_answers_texts_never_opens_mail(sql: duckdb.DuckDBPyConnection) -> None:
    """R55."""
    customer = shop_id(sql, "sms_responder")
    mail = dict(
        sql.execute(
            "SELECT split_part(event_type, '.', 4), count(*) FROM email_engagement WHERE \"user\".external_user_id = ? "
            "AND coalesce(properties.machine_open, 'false') = 'false' GROUP BY 1",
            [customer],
        ).fetchall()
    )
    taps = one(
        sql,
        "SELECT count(*) FROM sms_engagement WHERE event_type LIKE '%Click' AND \"user\".external_user_id = ?",
        customer,
    )
    assert mail["Send"] >= 5
    assert mail.get("Open", 0) <= 1
    assert taps >= 1


def test_anonymous_browsing_is_followed_by_a_login_on_the_same_cookie(sql: duckdb.DuckDBPyConnection) -> None:
    """R22."""
    customer = shop_id(sql, "anonymous_stitched")
    cookies = [
        row[0]
        for row in sql.execute(
            "SELECT value FROM cases WHERE case_name = 'anonymous_stitched' AND kind = 'anonymous'"
        ).fetchall()
    ]
    anonymous, login = one(
        sql,
        """SELECT count(*) FILTER ("userId" IS NULL), min("timestamp") FILTER ("userId" = ?)
        FROM segment_events WHERE CAST("anonymousId" AS VARCHAR) IN (SELECT unnest(?))""",
        customer,
        cookies,
    )
    first = one(
        sql,
        'SELECT min("timestamp") FROM segment_events WHERE CAST("anonymousId" AS VARCHAR) IN (SELECT unnest(?))',
        cookies,
    )
    assert anonymous >= 10
    assert first < login


def test_one_kiosk_saw_forty_logins(sql: duckdb.DuckDBPyConnection) -> None:
    """R13, P1."""
    kiosk = value(sql, "kiosk_login", "device")
    assert one(sql, "SELECT count(DISTINCT login.customer_id) FROM kiosk_sessions WHERE kiosk_id = ?", kiosk) == 40


def test_several_accounts_were_opened_with_one_placeholder_address(sql: duckdb.DuckDBPyConnection) -> None:
    """P1."""
    accounts = one(sql, "SELECT count(DISTINCT \"userId\") FROM segment_events WHERE traits.email = 'test@test.com'")
    assert accounts >= 3


def test_a_couple_shares_one_mailbox(sql: duckdb.DuckDBPyConnection) -> None:
    """P1."""
    records = [
        row[0]
        for row in sql.execute(
            "SELECT value FROM cases WHERE case_name = 'shared_mailbox' AND kind = 'person'"
        ).fetchall()
    ]
    addresses = one(
        sql,
        "SELECT count(DISTINCT address) FROM true_consents WHERE address_kind = 'email' AND person_id IN (SELECT unnest(?))",
        records,
    )
    assert len(records) == 2
    assert addresses == 1


def test_a_bad_review_is_about_something_that_she_bought(sql: duckdb.DuckDBPyConnection) -> None:
    """R14."""
    sku, rating = one(
        sql,
        "SELECT product_id, rating FROM reviews WHERE customer_id = ? ORDER BY submitted_at LIMIT 1",
        shop_id(sql, "negative_review"),
    )
    assert (sku, rating) == (value(sql, "negative_review", "sku"), "1")


def words(sql: duckdb.DuckDBPyConnection, case: str) -> list[tuple[str, str, datetime | None]]:
    """What this person said about e-mail marketing: brand, action, expiry; oldest first."""
    return sql.execute(
        "SELECT brand, action, CAST(expires_at AS TIMESTAMP) FROM consent_export "
        "WHERE customer_id = ? AND purpose = 'marketing' AND channel = 'email' ORDER BY recorded_at",
        [shop_id(sql, case)],
    ).fetchall()


def is_granted(sql: duckdb.DuckDBPyConnection, case: str) -> dict[str, bool]:
    """The truth about e-mail marketing on the first night, by brand."""
    return dict(
        sql.execute(
            "SELECT brand, is_granted FROM true_consents WHERE person_id = ? AND purpose = 'marketing' AND channel = 'email'",
            [value(sql, case, "person")],
        ).fetchall()
    )


def test_a_consent_that_expired_is_no_more(sql: duckdb.DuckDBPyConnection) -> None:
    """P4."""
    (_, action, expiry), *_ = words(sql, "consent_expired")
    assert action == "opt_in"
    assert expiry is not None
    assert expiry < datetime(2026, 7, 1)
    assert not any(is_granted(sql, "consent_expired").values())


def test_a_consent_that_was_withdrawn_is_no_more(sql: duckdb.DuckDBPyConnection) -> None:
    """P4."""
    assert words(sql, "consent_withdrawn")[-1][1] == "withdrawn"
    assert not any(is_granted(sql, "consent_withdrawn").values())


def test_a_consent_for_the_other_brand_is_none_for_this_one(sql: duckdb.DuckDBPyConnection) -> None:
    """R7: she buys from one brand and allowed the other."""
    brands = {brand for brand, *_ in words(sql, "consent_other_brand")}
    home = one(
        sql, "SELECT home_brand FROM true_people WHERE person_id = ?", value(sql, "consent_other_brand", "person")
    )
    assert len(brands) == 1
    assert home not in brands
    assert is_granted(sql, "consent_other_brand") == {brands.pop(): True}


def test_true_responses_are_what_people_did_on_average(sql: duckdb.DuckDBPyConnection) -> None:
    expected, opened, count = one(
        sql,
        "SELECT avg(response_probability), avg(CAST(is_opened AS INTEGER)), count(*) FROM true_responses WHERE channel = 'email'",
    )
    assert count > 500
    assert abs(expected - opened) < 4 * (0.25 / count) ** 0.5 + 0.02  # a few more open to unsubscribe


def test_every_cookie_and_handle_of_the_files_has_an_owner_in_the_truth(sql: duckdb.DuckDBPyConnection) -> None:
    unknown = one(
        sql,
        """SELECT count(DISTINCT "anonymousId") FROM segment_events
        WHERE CAST("anonymousId" AS VARCHAR) NOT IN (SELECT value FROM true_identities WHERE kind = 'anonymous_id')""",
    )
    strangers, linked = one(
        sql,
        """SELECT count(*) FILTER (NOT is_known), count(*) FILTER (is_known) FROM (
            SELECT concat(network, '/', author.handle) IN (SELECT value FROM true_identities WHERE kind = 'handle') AS is_known
            FROM social_posts)""",
    )
    assert unknown == 0
    assert strangers > 0
    assert linked > 0
