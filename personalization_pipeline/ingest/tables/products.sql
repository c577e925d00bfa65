-- One row per product of the master.
-- owner: team:data-engineering
-- check: count(*) - count(DISTINCT product_id) = 0
SELECT * EXCLUDE (file_key, row_number)
FROM facts.products
