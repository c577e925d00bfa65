-- One row per household: what it answered about itself, in the bands that it was asked; two thirds were never asked.
-- owner: team:marketing
-- feature
-- column age_band: years of age, such as 35-44
-- column income_band: yearly income in thousands of dollars, such as 50-74K
-- column household_size: people in the household; 5 stands for five or more
-- check: count(*) - count(DISTINCT person_id) = 0
WITH answers AS (
    SELECT records.person_id, traits.name, traits.value
    FROM traits
    JOIN records ON records.record_key = traits.record_key
)
SELECT
    person_id,
    max(value) FILTER (name = 'age') AS age_band,
    max(value) FILTER (name = 'income') AS income_band,
    CAST(max(replace(value, '+', '')) FILTER (name = 'household_size') AS BIGINT) AS household_size
FROM answers
GROUP BY person_id
