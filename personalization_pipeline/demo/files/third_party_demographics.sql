-- A bought list of people and their households; the vendor's column names. Full delivery.
SELECT
    records.record_id AS "PID",
    records.first_name AS "FNAME",
    records.last_name AS "LNAME",
    concat_ws(' ', CASE WHEN records.country <> 'DE' THEN records.house_number END, records.street, CASE WHEN records.country = 'DE' THEN records.house_number END) AS "ADDR1",
    records.postal_code AS "PCODE",
    records.city AS "TOWN",
    records.country AS "CTRY",
    records.email AS "EMAIL",
    year(people.birth_date) AS "BIRTH_YR",
    list_extract(['A', 'B', 'C', 'D', 'E'], 1 + CAST(floor(5 * u(people.household_n, 'income')) AS INTEGER)) AS "INCOME_BAND",
    CASE people.kind WHEN 'single' THEN 1 WHEN 'couple' THEN 2 WHEN 'family' THEN 3 WHEN 'large_family' THEN 4 ELSE 2 END AS "HH_SIZE",
    CASE WHEN u(people.household_n, 'owner') < 0.45 THEN 'Y' ELSE 'N' END AS "HOMEOWNER",
    '2026-05-31' AS "AS_OF"
FROM records
JOIN people ON people.person_n = records.person_n
WHERE records.source = 'third_party_demographics' AND records.created_at < until_at()
ORDER BY records.record_n
