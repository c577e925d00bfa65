-- One row per pair of records of one component of three and more that is no scored edge: what it weighs, for or against.
-- owner: team:data-engineering
-- private
-- columns: record_key_l VARCHAR, record_key_r VARCHAR, weight BIGINT, facts BIGINT[]
-- column weight: log2 odds that the pair is one person, in thousandths of a bit
-- column facts: how much of the weight each comparison of the artefact is, in their order; 0 where the pair says nothing about it
-- check: count(*) FILTER (record_key_l >= record_key_r) = 0
SELECT *
FROM computed.inner_pairs
UNION ALL
SELECT before.*
FROM yesterday.inner_pairs AS before
LEFT JOIN computed.unsettled_records AS unsettled ON unsettled.record_key = before.record_key_l
LEFT JOIN computed.components AS one ON one.record_key = before.record_key_l
LEFT JOIN computed.components AS other ON other.record_key = before.record_key_r AND other.component = one.component
WHERE unsettled.record_key IS NULL
    OR one.component_before = other.component_before AND one.component_digest IS NOT NULL
