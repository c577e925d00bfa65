-- One row per person, record and address: an address is 'email:<standardised>', 'phone:<E.164>' or 'record:<record key>'.
-- owner: team:privacy
-- private
-- columns: record_key VARCHAR, address_kind VARCHAR, address VARCHAR, value VARCHAR
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
    UNION ALL
    SELECT changed.record_key, standard.address_kind, standard.standard_address, changed.phone
    FROM changed
    JOIN standard_addresses AS standard
        ON standard.address_kind = 'phone' AND standard.address = changed.phone AND standard.country = coalesce(changed.country, '')
), known AS (
    SELECT before.*
    FROM yesterday.identifiers AS before
    LEFT JOIN computed.changed_contacts AS changed ON changed.record_key = before.record_key
    WHERE before.address_kind <> 'record' AND changed.record_key IS NULL
), addresses AS (
    SELECT * FROM found WHERE address IS NOT NULL
    UNION ALL
    SELECT * FROM known
)
SELECT records.person_id, addresses.*
FROM addresses
JOIN records ON records.record_key = addresses.record_key
UNION ALL
SELECT person_id, record_key, 'record', 'record:' || record_key, substr(record_key, strpos(record_key, ':') + 1)
FROM records
