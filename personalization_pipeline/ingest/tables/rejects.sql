-- One row per refused source row: kept, counted and explained. Land a corrected file and it is read.
-- owner: team:data-engineering
-- private
-- column reasons: which required column was missing or unreadable, or what was wrong with the line
-- column line: the row as it was landed
-- check: count(*) FILTER (coalesce(reasons, '') = '') = 0
SELECT
    landed.source,
    landed.path,
    refused.row_number,
    refused.reasons,
    refused.line
FROM computed.refused_rows AS refused
JOIN computed.landed_files AS landed ON landed.file_key = refused.file_key AND NOT landed.is_repeat
