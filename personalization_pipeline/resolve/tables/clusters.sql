-- One row per record: the smallest record key of the records that are the same person tonight.
-- owner: team:data-engineering
-- private
-- columns: record_key VARCHAR, cluster_key VARCHAR, component_digest VARCHAR
-- column component_cut: the weight at which her component was cut, in thousandths of a bit; above the usual one where too many records hang together
-- column component_digest: of all that decided how her component was cut; NULL where one or two records leave nothing to decide
-- check: count(*) - count(DISTINCT record_key) = 0
SELECT *
FROM computed.clusters
