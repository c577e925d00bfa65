-- The register of the loyalty card that both brands share: who holds a card. The tills know the number only.
SELECT
    record_id AS card_number,
    first_name,
    last_name,
    nullif(email, '') AS email,
    nullif(phone, '') AS phone,
    strftime(birth_date, '%d.%m.%Y') AS birth_date,
    concat_ws(' ', CASE WHEN country <> 'DE' THEN nullif(house_number, '') END, nullif(street, ''), CASE WHEN country = 'DE' THEN nullif(house_number, '') END) AS address,
    nullif(postal_code, '') AS postcode,
    nullif(city, '') AS city,
    country,
    strftime(created_at, '%d.%m.%Y') AS enrolled_on
FROM records
WHERE source = 'loyalty_members' AND created_at >= from_at() AND created_at < until_at()
ORDER BY created_at, record_n
