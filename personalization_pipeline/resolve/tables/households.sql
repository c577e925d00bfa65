-- One row per known person whose home is known: the household that she lives in. A level above people, and never evidence about them; it lasts as long as its members do.
-- owner: team:analytics
-- column household_id: made of the id of its longest known member; NULL where more people live than in a household, as in an institution
-- column person_count: known people in the household
-- column is_crowded: a house of so many surnames that only people of one are taken for a household
-- check: count(*) - count(DISTINCT person_id) = 0
-- warn: count(*) FILTER (household_id IS NULL) = 0
WITH homes AS (
    -- Who is known at two homes lives where her golden address is, else where her record of the greatest key is.
    SELECT
        records.person_id,
        records.founded_at,
        found.household_key,
        found.is_crowded
    FROM computed.household_records AS found
    JOIN records ON records.record_key = found.record_key
    LEFT JOIN people_fields AS golden
        ON golden.person_id = records.person_id AND golden.field = 'street' AND golden.record_key = found.record_key
    QUALIFY row_number() OVER (PARTITION BY records.person_id ORDER BY golden.record_key IS NULL, found.record_key DESC) = 1
), members AS (
    SELECT
        household_key,
        'h' || substr(arg_min(person_id, strftime(founded_at, '%Y%m%d%H%M%S') || person_id), 2) AS household_id,
        count(*) AS person_count
    FROM homes
    WHERE household_key IS NOT NULL
    GROUP BY household_key
)
SELECT
    homes.person_id,
    members.household_id,
    members.person_count,
    homes.is_crowded
FROM homes
LEFT JOIN members ON members.household_key = homes.household_key
