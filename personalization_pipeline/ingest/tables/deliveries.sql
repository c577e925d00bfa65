-- One row per file that left for a destination, as its receipt says; whatever has become of the night that it was of.
-- owner: team:marketing
-- column night: the night that rendered the file
-- column occurred_at: the moment (as_of) of that night; a night reads the receipts of earlier moments only
-- column delivered_at: when it was pushed, by the clock
-- column row_count: rows in the file
-- check: count(*) - count(DISTINCT destination || '|' || audience || '|' || night || '|' || sha256) = 0
SELECT * EXCLUDE (source, file_key, row_number)
FROM facts.deliveries
