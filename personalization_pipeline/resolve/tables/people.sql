-- One row per person: the golden record. Each field is the latest word that is not blank (ties: greatest record key).
-- owner: team:data-engineering
-- private
-- column external_id: the smallest source key among the person's records, for destinations that know those keys
-- column record_count: how many records the person was seen as
-- check: count(*) - count(DISTINCT person_id) = 0
WITH words AS (
    SELECT
        records.person_id,
        records.founded_at,
        contacts.*,
        strftime(coalesce(contacts.updated_at, contacts.created_at, TIMESTAMP '1970-01-01'), '%Y%m%d%H%M%S%f') || contacts.record_key AS word_order
    FROM records
    JOIN contacts ON contacts.record_key = records.record_key
)
SELECT
    person_id,
    min(founded_at) AS founded_at,
    count(*) AS record_count,
    min(substr(record_key, strpos(record_key, ':') + 1)) AS external_id,
    arg_max(first_name, word_order) FILTER (first_name IS NOT NULL) AS first_name,
    arg_max(last_name, word_order) FILTER (last_name IS NOT NULL) AS last_name,
    arg_max(email, word_order) FILTER (email IS NOT NULL) AS email,
    arg_max(phone, word_order) FILTER (phone IS NOT NULL) AS phone,
    arg_max(birth_date, word_order) FILTER (birth_date IS NOT NULL) AS birth_date,
    arg_max(street, word_order) FILTER (street IS NOT NULL) AS street,
    arg_max(postal_code, word_order) FILTER (postal_code IS NOT NULL) AS postal_code,
    arg_max(city, word_order) FILTER (city IS NOT NULL) AS city,
    arg_max(country, word_order) FILTER (country IS NOT NULL) AS country,
    arg_max(language, word_order) FILTER (language IS NOT NULL) AS language
FROM words
GROUP BY person_id
