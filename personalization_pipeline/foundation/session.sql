-- What every connection begins with: UTC everywhere, and the functions that a source mapping may call beside DuckDB's own.
-- A text that does not parse is NULL, never an error.
SET TimeZone = 'UTC';
CREATE OR REPLACE TEMP MACRO utc
    (t, f) AS CAST(try_strptime(trim(t), f) AS TIMESTAMP),
    (t, f, zone) AS timezone('UTC', timezone(zone, CAST(try_strptime(trim(t), f) AS TIMESTAMP)));
CREATE OR REPLACE TEMP MACRO day_of
    (t, f) AS CAST(try_strptime(trim(t), f) AS DATE),
    (t, f, g) AS CAST(try_strptime(trim(t), [f, g]) AS DATE),
    (t, f, g, h) AS CAST(try_strptime(trim(t), [f, g, h]) AS DATE);
-- Without the marks between thousands. 12,50 read with the wrong decimal mark is NULL, never 1250.
CREATE OR REPLACE TEMP MACRO ungrouped(t, mark) AS CASE
    WHEN NOT contains(t, mark) THEN t
    WHEN regexp_full_match(t, '[+-]?[0-9]{1,3}([' || mark || '][0-9]{2,3})*[' || mark || '][0-9]{3}([^0-9' || mark || '][0-9]*)?')
        THEN replace(t, mark, '')
END;
CREATE OR REPLACE TEMP MACRO money
    (t) AS TRY_CAST(ungrouped(trim(t), ',') AS DECIMAL(18, 2)),
    (t, decimal_mark) AS TRY_CAST(
        CASE decimal_mark WHEN ',' THEN replace(ungrouped(trim(t), '.'), ',', '.') ELSE ungrouped(trim(t), ',') END
        AS DECIMAL(18, 2)
    );
