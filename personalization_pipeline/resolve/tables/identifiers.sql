-- One row per person, record and address: an address is 'email:<standardised>', 'phone:<E.164>' or 'record:<record key>'.
-- owner: team:privacy
-- private
-- column value: the address as the source wrote it
-- check: count(*) FILTER (address IS NULL) = 0
WITH found AS (
    SELECT records.person_id, records.record_key, standard.address_kind, standard.standard_address, contacts.email AS value
    FROM records
    JOIN contacts ON contacts.record_key = records.record_key
    JOIN standard_addresses AS standard ON standard.address_kind = 'email' AND standard.address = contacts.email
    UNION ALL
    SELECT records.person_id, records.record_key, standard.address_kind, standard.standard_address, contacts.phone AS value
    FROM records
    JOIN contacts ON contacts.record_key = records.record_key
    JOIN standard_addresses AS standard
        ON standard.address_kind = 'phone' AND standard.address = contacts.phone AND standard.country = coalesce(contacts.country, '')
)
SELECT person_id, record_key, address_kind, standard_address AS address, value
FROM found
WHERE standard_address IS NOT NULL
UNION ALL
SELECT person_id, record_key, 'record', 'record:' || record_key, substr(record_key, strpos(record_key, ':') + 1)
FROM records
