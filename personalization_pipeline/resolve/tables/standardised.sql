-- One row per record: the values that are compared, cleaned; a value that says nothing about a person is NULL.
-- owner: team:data-engineering
-- private
-- check: count(*) - count(DISTINCT record_key) = 0
SELECT *
FROM computed.standardised
