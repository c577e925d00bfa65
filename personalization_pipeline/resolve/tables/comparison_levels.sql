-- One row per comparison and level of the identity artefact in force: what the numbers in the levels of an edge mean.
-- owner: team:data-engineering
-- private
-- column place: of the comparison in the levels and facts of an edge, from 1
-- column level_number: of the level; -1 where a value is missing, else the higher the better
-- column label: how far two records agree that are on it
-- check: count(*) - count(DISTINCT (place, level_number)) = 0
SELECT *
FROM computed.comparison_levels
