-- One row per device and person who signs in on it. Plants: laptops of a household, an office machine and a kiosk that
-- forty people use.
WITH persons AS (
    SELECT person_n, household_n, is_bot FROM people
), own AS (
    SELECT person_n, concat('ph-', scrambled(person_n, 1)) AS device_id, false AS is_shared, 'phone' AS kind
    FROM persons
    WHERE NOT is_bot
    UNION ALL
    SELECT person_n, concat('lt-', scrambled(CASE WHEN u(household_n, 'one laptop') < 0.4 THEN household_n ELSE person_n END, 2)), false, 'laptop'
    FROM persons
    WHERE u(person_n, 'laptop') < 0.7
), shared AS (
    SELECT person_n, concat('of-', scrambled(person_n // 800, 3)) AS device_id, true AS is_shared, 'laptop' AS kind
    FROM persons
    WHERE NOT is_bot AND u(person_n, 'office') < 0.05
    UNION ALL
    SELECT person_n, concat('ki-', scrambled(person_n // 400, 4)), true, 'kiosk'
    FROM persons
    WHERE NOT is_bot AND u(person_n, 'kiosk') < 0.1
)
SELECT device_id, person_n, count(*) OVER (PARTITION BY device_id) > 1 AS is_shared, kind
FROM own
UNION ALL
SELECT device_id, person_n, is_shared, kind FROM shared

