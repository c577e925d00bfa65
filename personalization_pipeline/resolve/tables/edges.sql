-- One row per pair of records and kind of evidence that they are one person.
-- owner: team:data-engineering
-- private
-- columns: record_key_l VARCHAR, record_key_r VARCHAR, kind VARCHAR, weight BIGINT, levels TINYINT[], facts BIGINT[], said VARCHAR, artefact_key VARCHAR
-- column weight: log2 odds that the pair is one person, in thousandths of a bit
-- column facts: how much of the weight each comparison of the artefact is, in their order; 0 where the pair says nothing about it
-- column kind: splink: scored; email, phone: an exact key; same, never: the word of people (corrections)
-- column levels: how far both agree, comparison by comparison: numbers of comparison_levels; edge_evidence says it in words
-- column said: of people's word: JSON, who said it, when and why
-- column artefact_key: the identity artefact that weighed the pair; NULL for exact keys and people's word, which need none
-- check: count(*) FILTER (record_key_l >= record_key_r) = 0
-- plot bar: kind by count(*)
SELECT *
FROM computed.edges
UNION ALL
SELECT before.*
FROM yesterday.edges AS before
LEFT JOIN computed.changed_records AS one ON one.record_key = before.record_key_l
LEFT JOIN computed.changed_records AS other ON other.record_key = before.record_key_r
LEFT JOIN computed.open_keys AS shared ON shared.record_key = before.record_key_l AND shared.kind = before.kind
WHERE before.kind IN ('splink', 'email', 'phone')
    AND one.record_key IS NULL
    AND other.record_key IS NULL
    AND shared.record_key IS NULL
