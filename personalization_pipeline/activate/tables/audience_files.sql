-- One row per rendered file, with what its certificate says. Verify any of them with: personalize verify FILE
-- owner: team:marketing
-- column row_count: rows in the file; one person may have several addresses
-- check: count(*) - count(DISTINCT file) = 0
SELECT *
FROM computed.certified
