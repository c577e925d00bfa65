-- One row per pair of records and kind of evidence that they are one person.
-- owner: team:data-engineering
-- private
-- column weight: log2 odds that the pair is one person, in thousandths of a bit
-- column evidence: JSON, the weight of each comparison
-- check: count(*) FILTER (record_key_l >= record_key_r) = 0
-- plot bar: kind by count(*)
SELECT *
FROM computed.edges
