-- One row per person: what is known of her that does not name her.
-- owner: team:analytics
-- feature
-- column age_years: full years on the local day of as_of
-- column record_count: how many records she was seen as
-- check: count(*) - count(DISTINCT person_id) = 0
SELECT
    people.person_id,
    people.record_count,
    upper(people.country) AS country,
    lower(people.language) AS language,
    CASE WHEN people.birth_date <= tonight.today THEN
        year(tonight.today) - year(people.birth_date)
        - CASE WHEN strftime(people.birth_date, '%m%d') > strftime(tonight.today, '%m%d') THEN 1 ELSE 0 END
    END AS age_years,
    reach.* EXCLUDE (person_id)
FROM people
CROSS JOIN tonight
JOIN reach ON reach.person_id = people.person_id
WHERE people.kind = 'known'
