-- One row per promise that a source makes about its rows: kept, or not. A broken promise is told to its owner; it never stops the others.
-- owner: team:data-engineering
-- column check_text: a check over the canonical columns of the rows that were kept
-- warn: count(*) FILTER (NOT is_passed) = 0
SELECT *
FROM computed.source_checks
