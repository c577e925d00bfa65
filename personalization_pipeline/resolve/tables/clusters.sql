-- One row per record: the smallest record key of the records that are the same person tonight.
-- owner: team:data-engineering
-- private
-- columns: record_key VARCHAR, cluster_key VARCHAR, component_cut BIGINT, component_digest UBIGINT, rules_key VARCHAR
-- column component_cut: the weight at which her component was cut, in thousandths of a bit; above the usual one where too many records hang together
-- column component_digest: of all that decided how her component was cut; NULL where one or two records leave nothing to decide
-- column rules_key: what components depend on besides records, edges and people's word: the artefact, the cut, the sources that hold each person once
-- check: count(*) - count(DISTINCT record_key) = 0
SELECT *
FROM computed.clusters
UNION ALL
SELECT before.*
FROM yesterday.clusters AS before
LEFT JOIN computed.unsettled_records AS unsettled ON unsettled.record_key = before.record_key
WHERE unsettled.record_key IS NULL
