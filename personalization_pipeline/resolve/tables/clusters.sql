-- One row per record: the smallest record key of the records that are the same person tonight.
-- owner: team:data-engineering
-- private
-- check: count(*) - count(DISTINCT record_key) = 0
SELECT *
FROM computed.clusters
