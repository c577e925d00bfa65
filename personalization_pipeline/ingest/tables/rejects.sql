-- One row per refused source row: kept, counted and explained. Land a corrected file and it is read.
-- owner: team:data-engineering
-- private
-- column row_number: the how-manieth row of the file it is; the header and blank lines are none
-- column reasons: which required column was missing or unreadable, or what was wrong with the line
-- column line: the columns that the source declares, as a line of CSV; a line that is no row, as it was landed
-- check: count(*) FILTER (coalesce(reasons, '') = '') = 0
SELECT *
FROM computed.refused_rows
