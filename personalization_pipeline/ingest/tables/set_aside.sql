-- One row per typed fact that does not count tonight: another version of its thing does, its snapshot is an old one, or its day has not come.
-- owner: team:data-engineering
-- columns: entity VARCHAR, file_key VARCHAR, place BIGINT, fate VARCHAR
-- column file_key: of the landed file, as in files
-- column place: of the fact among those of its file, from 0
-- column fate: duplicate: the same as the version that counts; superseded: another than that; not_yet: dated after tonight
-- check: count(*) - count(DISTINCT (entity, file_key, place)) = 0
-- check: count(*) FILTER (fate NOT IN ('duplicate', 'superseded', 'not_yet')) = 0
SELECT *
FROM computed.set_aside
