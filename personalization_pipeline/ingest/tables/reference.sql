-- One row of any other list that a company keeps: stores, costs, campaigns, coupons; `value` is JSON.
-- owner: team:data-engineering
SELECT * EXCLUDE (file_key, row_number)
FROM facts.reference
