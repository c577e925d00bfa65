-- One row per known person: the digest of all that her records say, by which a night knows whose golden record it chooses anew.
-- owner: team:data-engineering
-- private
-- columns: person_id VARCHAR, words_digest UBIGINT
-- column words_digest: of what her records say, of the rules, and of which sources come first; where it is yesterday's, so is her golden record
-- check: count(*) - count(DISTINCT person_id) = 0
SELECT person_id, words_digest
FROM computed.changed_people
WHERE words_digest IS NOT NULL
UNION ALL
SELECT before.*
FROM yesterday.people_words AS before
LEFT JOIN computed.changed_people AS changed ON changed.person_id = before.person_id
WHERE changed.person_id IS NULL
