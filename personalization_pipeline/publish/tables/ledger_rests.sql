-- One row per flow: what went in and did not come out. Anything but zero keeps the night from being committed.
-- owner: team:data-engineering
-- check: count(*) FILTER (rest_count <> 0 OR rest_amount <> 0) = 0
SELECT
    flow,
    CAST(sum(CASE side WHEN 'in' THEN row_count ELSE -row_count END) AS BIGINT) AS rest_count,
    CAST(sum(CASE side WHEN 'in' THEN amount ELSE -amount END) AS DECIMAL(18, 2)) AS rest_amount
FROM ledger
GROUP BY flow
