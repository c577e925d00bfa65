-- One row per person, record and address: an address is 'email:<standardised>', 'phone:<E.164>' or 'record:<record key>'.
-- owner: team:privacy
-- private
-- columns: person_id VARCHAR, record_key VARCHAR, address_kind VARCHAR, address VARCHAR, value VARCHAR
-- column value: the address as the source wrote it
-- check: count(*) FILTER (address IS NULL) = 0
WITH changed AS (
    SELECT contacts.*
    FROM contacts
    SEMI JOIN computed.changed_contacts AS changed ON changed.record_key = contacts.record_key
), found AS (
    SELECT changed.record_key, standard.address_kind, standard.standard_address AS address, changed.email AS value
    FROM changed
    JOIN standard_addresses AS standard ON standard.address_kind = 'email' AND standard.address = changed.email
    WHERE standard.standard_address IS NOT NULL
    UNION ALL
    SELECT changed.record_key, standard.address_kind, standard.standard_address, changed.phone
    FROM changed
    JOIN standard_addresses AS standard
        ON standard.address_kind = 'phone' AND standard.address = changed.phone AND standard.country = coalesce(changed.country, '')
    WHERE standard.standard_address IS NOT NULL
    UNION ALL
    SELECT record_key, 'record', 'record:' || record_key, substr(record_key, strpos(record_key, ':') + 1)
    FROM changed
), moved AS (
    SELECT records.record_key, records.person_id
    FROM records
    JOIN yesterday.records AS before ON before.record_key = records.record_key
    WHERE before.person_id <> records.person_id
)
SELECT records.person_id, found.*
FROM found
JOIN records ON records.record_key = found.record_key
UNION ALL
SELECT before.* REPLACE (coalesce(moved.person_id, before.person_id) AS person_id)
FROM yesterday.identifiers AS before
LEFT JOIN computed.changed_contacts AS changed ON changed.record_key = before.record_key
LEFT JOIN moved ON moved.record_key = before.record_key
WHERE changed.record_key IS NULL
