-- One row per rendered file, with what its certificate says. Verify any of them with: personalize verify FILE
-- owner: team:marketing
-- columns: audience VARCHAR, destination VARCHAR, sha256 VARCHAR, row_count BIGINT, occurred_at TIMESTAMP
-- column row_count: rows in the file; one person may have several addresses
-- column occurred_at: the moment (as_of) of the night that rendered it
-- check: count(*) - count(DISTINCT file) = 0
SELECT certified.*, tonight.as_of AS occurred_at
FROM computed.certified AS certified
CROSS JOIN tonight
