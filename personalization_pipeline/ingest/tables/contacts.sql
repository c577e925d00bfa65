-- One row per record: a person as one source knows her, in that source's words.
-- owner: team:data-engineering
-- private
-- check: count(*) - count(DISTINCT record_key) = 0
SELECT * EXCLUDE (file_key, row_number)
FROM facts.contacts
