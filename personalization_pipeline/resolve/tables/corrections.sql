-- One row per pair of records that people have spoken about in corrections/links.csv, and whether that can be followed.
-- owner: team:data-engineering
-- private
-- column verdict: same, or never: the pair is, or is not, one person
-- column evidence: JSON, who said so, when and why
-- column is_followed: both records are there tonight; a word about a record that is gone waits for it
-- check: count(*) - count(DISTINCT (record_key_l, record_key_r)) = 0
-- warn: count(*) FILTER (NOT is_followed) = 0
SELECT said.*, one.record_key IS NOT NULL AND other.record_key IS NOT NULL AS is_followed
FROM computed.links AS said
LEFT JOIN contacts AS one ON one.record_key = said.record_key_l
LEFT JOIN contacts AS other ON other.record_key = said.record_key_r
