-- One row per pair of records and kind of evidence that they are one person.
-- owner: team:data-engineering
-- private
-- columns: record_key_l VARCHAR, record_key_r VARCHAR, kind VARCHAR, weight BIGINT, evidence VARCHAR, facts BIGINT[], artefact_key VARCHAR
-- column weight: log2 odds that the pair is one person, in thousandths of a bit
-- column facts: how much of the weight each comparison of the artefact is, in their order; 0 where the pair says nothing about it
-- column kind: splink: scored; email, phone: an exact key; same, never: the word of people (corrections)
-- column evidence: JSON, the weight of each comparison; of a word, who said it, when and why
-- column artefact_key: the identity artefact that weighed the pair; NULL for exact keys and people's word, which need none
-- check: count(*) FILTER (record_key_l >= record_key_r) = 0
-- plot bar: kind by count(*)
SELECT *
FROM computed.edges
UNION ALL
SELECT before.*
FROM yesterday.edges AS before
JOIN computed.known_records AS one ON one.record_key = before.record_key_l
JOIN computed.known_records AS other ON other.record_key = before.record_key_r
WHERE CASE before.kind
    WHEN 'splink' THEN true
    WHEN 'email' THEN one.is_mailbox_known
    WHEN 'phone' THEN one.is_number_known
    ELSE false
END
