-- One row per e-mail address or phone number as somebody wrote it, and country that it is read in: its one standard form.
-- owner: team:privacy
-- private
-- columns: address_kind VARCHAR, address VARCHAR, country VARCHAR, rules_key VARCHAR, standard_address VARCHAR
-- column address: as the source wrote it
-- column rules_key: what the standard form depends on besides the text
-- column standard_address: 'email:<standardised>' or 'phone:<E.164>'; NULL where nobody can be reached there
-- check: count(*) - count(DISTINCT (address_kind, address, country)) = 0
SELECT *
FROM computed.standard_addresses
UNION ALL
SELECT before.*
FROM yesterday.standard_addresses AS before
JOIN computed.written_addresses AS written
    ON written.address_kind = before.address_kind
    AND written.address = before.address
    AND written.country = before.country
    AND written.rules_key = before.rules_key
