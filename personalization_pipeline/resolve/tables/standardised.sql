-- One row per record: the values that are compared, cleaned; a value that says nothing about a person is NULL.
-- owner: team:data-engineering
-- private
-- columns: record_key VARCHAR, contact_digest UBIGINT, first_name_std VARCHAR, first_name_roots VARCHAR[], last_name_std VARCHAR, email_std VARCHAR, email_local VARCHAR, phone_std VARCHAR, birth_date DATE, street_std VARCHAR, house_number VARCHAR, postal_code_std VARCHAR, city_std VARCHAR, country_std VARCHAR, same_as_key VARCHAR
-- column contact_digest: of what this row was made from; where it is yesterday's, so is the row
-- check: count(*) - count(DISTINCT record_key) = 0
SELECT *
FROM computed.standardised
UNION ALL
SELECT before.*
FROM yesterday.standardised AS before
LEFT JOIN computed.changed_contacts AS changed ON changed.record_key = before.record_key
WHERE changed.record_key IS NULL
