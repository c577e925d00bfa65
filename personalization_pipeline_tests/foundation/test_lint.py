"""What the lint refuses, each beside what it allows instead: the same rows every time, on every engine."""

from __future__ import annotations

import pytest

from personalization_pipeline.foundation.errors import TableError
from personalization_pipeline.foundation.lint import REFUSED, lint
from personalization_pipeline.foundation.tables import parse_select

# Expressions over a table `visits` with columns x, y, ...: refused -> its allowed counterpart.
EXPRESSIONS = {
    "any_value(x)": "min(x)",
    "arbitrary(x)": "max(x)",
    "first(x)": "arg_min(x, visit_key)",
    "first(x ORDER BY y)": "arg_min(x, y)",
    "last(x)": "arg_max(x, visit_key)",
    "first_value(x) OVER (ORDER BY y)": "min(x) OVER (PARTITION BY y)",
    "last_value(x) OVER (ORDER BY y)": "max(x) OVER (PARTITION BY y)",
    "nth_value(x, 2) OVER (ORDER BY y)": "row_number() OVER (ORDER BY y)",
    "mode(x)": "count(x)",
    "hash(x)": "md5(x)",
    "random()": "md5(x || 'salt')",
    "uuid()": "md5(visit_key)",
    "gen_random_uuid()": "md5(visit_key)",
    "uuidv7()": "md5(visit_key)",
    "nextval('numbers')": "row_number() OVER (ORDER BY x)",
    "now()": "tonight.as_of",
    "current_timestamp": "tonight.as_of",
    "localtimestamp": "tonight.as_of",
    "get_current_timestamp()": "tonight.as_of",
    "transaction_timestamp()": "tonight.as_of",
    "current_time": "CAST(tonight.as_of AS TIME)",
    "current_date": "tonight.today",
    "today()": "tonight.today",
    "age(seen_at)": "tonight.today - seen_on",
    "approx_quantile(x, 0.5)": "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)",
    "quantile_cont(x, 0.5)": "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)",
    "quantile_disc(x, 0.5)": "percentile_disc(0.5) WITHIN GROUP (ORDER BY x)",
    "quantile(x, 0.5)": "median(x)",
    "approx_count_distinct(x)": "count(DISTINCT x)",
    "approx_top_k(x, 3)": "count(x)",
    "dayofweek(seen_on)": "isodow(seen_on)",
    "weekday(seen_on)": "isodow(seen_on)",
    "list(x)": "list(x ORDER BY x)",
    "array_agg(x)": "array_agg(x ORDER BY x)",
    "list(x) FILTER (x > 1)": "list(x ORDER BY x) FILTER (x > 1)",
    "list(DISTINCT x)": "list(DISTINCT x ORDER BY x)",
    "string_agg(x, ',')": "string_agg(x, ',' ORDER BY x)",
    "listagg(x, ',')": "listagg(x, ',') WITHIN GROUP (ORDER BY x)",
    "string_agg(list(x ORDER BY x)[1], ',')": "string_agg(list(x ORDER BY x)[1], ',' ORDER BY x)",
    "sum(x)": "sum(CAST(x AS DECIMAL(18, 2)))",
    "sum(CAST(x AS DOUBLE))": "sum(CAST(x AS BIGINT))",
    "sum(CAST(x AS FLOAT))": "sum(paid_amount)",
    "sum(paid_amount / 2)": "sum(paid_amount) / 2",
    "sum(paid_amount * x)": "sum(paid_amount * quantity)",
    "sum(CASE WHEN y THEN x END)": "sum(CASE WHEN y THEN 1 ELSE 0 END)",
    "sum(coalesce(paid_amount, x))": "sum(coalesce(paid_amount, 0))",
    "sum(DISTINCT x)": "sum(DISTINCT paid_amount)",
    "sum(x) OVER (ORDER BY y)": "sum(paid_amount) OVER (ORDER BY y)",
    "avg(x)": "avg(paid_amount)",
    "mean(x)": "avg(visit_count)",
    "fsum(x)": "sum(-paid_amount)",
    "stddev(x)": "sum(paid_amount * paid_amount)",
    "var_samp(x)": "sum(abs(paid_amount))",
    "var_pop(x)": "sum(paid_amount - other_amount)",
    "corr(x, y)": "sum(paid_amount * other_amount)",
    "product(x)": "sum(paid_amount + 1)",
    "regexp_replace(x, 'a', 'b')": "regexp_replace(x, 'a', 'b', 'g')",
    "date_diff('day', seen_at, tonight.as_of)": "date_diff('day', CAST(seen_at AS DATE), tonight.today)",
    "date_diff('day', CAST(seen_at AS TIMESTAMP), seen_on)": "date_diff('day', min(seen_on), max(seen_on))",
    "row_number() OVER ()": "row_number() OVER (ORDER BY x)",
    "row_number() OVER (PARTITION BY x)": "row_number() OVER (PARTITION BY x ORDER BY y)",
    "lag(x) OVER (PARTITION BY y)": "lag(x) OVER (PARTITION BY y ORDER BY x)",
    "ntile(5) OVER ()": "ntile(5) OVER (ORDER BY x)",
    "getenv('HOME')": "x",
}
SELECTS = {
    "SELECT x FROM visits LIMIT 3": "SELECT x FROM visits ORDER BY x LIMIT 3",
    "SELECT x FROM visits OFFSET 3": "SELECT x FROM visits ORDER BY x OFFSET 3",
    "SELECT x FROM visits FETCH FIRST 3 ROWS ONLY": "SELECT x FROM visits ORDER BY x FETCH FIRST 3 ROWS ONLY",
    "SELECT x FROM (SELECT x FROM visits LIMIT 3) AS few": "SELECT x FROM (SELECT x FROM visits) AS few",
    "SELECT DISTINCT ON (x) x, y FROM visits": "SELECT DISTINCT ON (x) x, y FROM visits ORDER BY x, y",
    "SELECT x FROM visits USING SAMPLE 10": "SELECT x FROM visits WHERE md5(x) < '2'",
    "SELECT x FROM visits TABLESAMPLE 10%": "SELECT DISTINCT x FROM visits",
    "SELECT x FROM visits QUALIFY row_number() OVER (PARTITION BY x) = 1": (
        "SELECT x FROM visits QUALIFY row_number() OVER (PARTITION BY x ORDER BY y) = 1"
    ),
    "SELECT row_number() OVER () AS place FROM visits": (
        "SELECT row_number() OVER by_age AS place FROM visits WINDOW by_age AS (ORDER BY x)"
    ),
    "SELECT x FROM read_csv('visits.csv')": "SELECT x FROM visits",
    "SELECT x FROM read_parquet('visits.parquet')": "SELECT x FROM facts.visits",
    "SELECT x FROM read_json('visits.json')": "SELECT x FROM yesterday.visits",
    "SELECT x FROM 'visits.csv'": 'SELECT x FROM "visits"',
    "SELECT x FROM glob('*')": "SELECT x FROM range(3) AS numbers(x)",
    "WITH late AS (SELECT now() AS moment) SELECT moment FROM late": (
        "WITH late AS (SELECT as_of AS moment FROM tonight) SELECT moment FROM late"
    ),
    "SELECT x FROM visits WHERE y < (SELECT any_value(y) FROM visits)": (
        "SELECT x FROM visits WHERE y < (SELECT min(y) FROM visits)"
    ),
}
PAIRS = [(f"SELECT {bad} FROM visits", f"SELECT {good} FROM visits") for bad, good in EXPRESSIONS.items()]
PAIRS += list(SELECTS.items())


@pytest.mark.parametrize(("refused", "allowed"), PAIRS, ids=[refused for refused, _ in PAIRS])
def test_a_construct_is_refused_with_a_reason_and_its_counterpart_is_allowed(refused: str, allowed: str) -> None:
    with pytest.raises(TableError, match=r"visits\.sql: .+\nFix: "):
        lint(parse_select(refused, "visits.sql"), "visits.sql")
    lint(parse_select(allowed, "visits.sql"), "visits.sql")


def test_every_finding_is_told_at_once_and_once() -> None:
    tree = parse_select("SELECT now(), now(), random(), sum(x) FROM visits", "visits.sql")
    with pytest.raises(TableError) as refused:
        lint(tree, "visits.sql")
    assert [refused.value.problem.count(name) for name in ("now(): ", "random(): ", "sum(x): ", "; sum(x)")] == [
        1,
        1,
        1,
        1,
    ]


def test_a_refused_name_is_no_matter_where_it_is_a_column() -> None:
    lint(parse_select("SELECT mode, first, hash AS now, uuid, age FROM visits", "visits.sql"), "visits.sql")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_every_name_that_is_listed_is_refused_as_it_is_spelled(name: str) -> None:
    """A name that the parser knows by another one would be listed in vain."""
    spelled = {
        "approx_distinct": "approx_count_distinct(x)",
        "current_date": "current_date",
        "current_time": "current_time",
        "current_timestamp": "current_timestamp",
        "localtime": "localtime",
        "localtimestamp": "localtimestamp",
        "day_of_week": "dayofweek(x)",
        "variance_pop": "var_pop(x)",
    }.get(name, f"{name}(x)")
    with pytest.raises(TableError):
        lint(parse_select(f"SELECT {spelled} FROM visits", "visits.sql"), "visits.sql")
