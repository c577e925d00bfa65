-- One row per known person and field of her golden record: what it says, which record said so, when, and by which rule it was chosen.
-- owner: team:data-engineering
-- private
-- columns: person_id VARCHAR, field VARCHAR, value VARCHAR, record_key VARCHAR, source VARCHAR, said_at TIMESTAMP, rule VARCHAR
-- column field: a column of `people`
-- column value: as the source wrote it; dates as year-month-day
-- column source: of the record; its party type is in the source's file
-- column said_at: the record's last change there; NULL where the source does not tell
-- column rule: see survivorship.yaml; `source first` where the project puts that source before the others
-- check: count(*) - count(DISTINCT (person_id, field)) = 0
WITH unfit AS (
    SELECT kind, value
    FROM shared_values
    WHERE reason <> 'role mailbox'
), words AS (
    SELECT
        changed.person_id,
        contacts.record_key,
        contacts.source,
        coalesce(contacts.updated_at, contacts.created_at) AS said_at,
        chosen.field,
        chosen.rule,
        chosen.rule = 'with_street' AND fit.street_std IS NULL
        OR chosen.rule = 'whole_name' AND length(fit.first_name_std) = 1 AS is_second_best,
        CASE chosen.field
            WHEN 'first_name' THEN CASE WHEN fit.first_name_std IS NOT NULL THEN contacts.first_name END
            WHEN 'last_name' THEN CASE WHEN fit.last_name_std IS NOT NULL THEN contacts.last_name END
            WHEN 'email' THEN CASE WHEN fit.email_std IS NOT NULL AND emails.value IS NULL THEN contacts.email END
            WHEN 'phone' THEN CASE WHEN fit.phone_std IS NOT NULL AND phones.value IS NULL THEN contacts.phone END
            WHEN 'birth_date' THEN CAST(fit.birth_date AS VARCHAR)
            WHEN 'street' THEN CASE WHEN fit.street_std IS NOT NULL THEN contacts.street END
            WHEN 'postal_code' THEN CASE WHEN fit.postal_code_std IS NOT NULL THEN contacts.postal_code END
            WHEN 'city' THEN CASE WHEN fit.city_std IS NOT NULL THEN contacts.city END
            WHEN 'country' THEN CASE WHEN fit.country_std IS NOT NULL THEN contacts.country END
            WHEN 'language' THEN contacts.language
        END AS value
    FROM computed.changed_people AS changed
    JOIN records ON records.person_id = changed.person_id
    JOIN contacts ON contacts.record_key = records.record_key
    JOIN standardised AS fit ON fit.record_key = records.record_key
    LEFT JOIN unfit AS emails ON emails.kind = 'email' AND emails.value = fit.email_std
    LEFT JOIN unfit AS phones ON phones.kind = 'phone' AND phones.value = fit.phone_std
    CROSS JOIN computed.field_rules AS chosen
), counted AS (
    SELECT *, count(*) OVER (PARTITION BY person_id, field, lower(value)) AS said_count
    FROM words
    WHERE value IS NOT NULL
), golden AS (
    SELECT
        counted.person_id,
        counted.field,
        counted.value,
        counted.record_key,
        counted.source,
        counted.said_at,
        CASE WHEN first_sources.place IS NULL THEN counted.rule ELSE 'source first' END AS rule
    FROM counted
    LEFT JOIN computed.source_ranks AS first_sources
        ON first_sources.field = counted.field AND first_sources.source = counted.source
    QUALIFY row_number() OVER (
        PARTITION BY counted.person_id, counted.field
        ORDER BY
            coalesce(first_sources.place, 1000),
            counted.is_second_best,
            CASE WHEN counted.rule IN ('most_said', 'whole_name') THEN counted.said_count END DESC,
            coalesce(counted.said_at, TIMESTAMP '1970-01-01') DESC,
            counted.record_key DESC
    ) = 1
)
SELECT *
FROM golden
UNION ALL
SELECT before.*
FROM yesterday.people_fields AS before
SEMI JOIN people_words AS known ON known.person_id = before.person_id
LEFT JOIN computed.changed_people AS changed ON changed.person_id = before.person_id
WHERE changed.person_id IS NULL
