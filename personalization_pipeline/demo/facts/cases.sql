-- One row per planted case and the thing that it is about; the touchpoints add their own. `kind`: person, record, device, sku.
-- Look-alikes, moves, weddings and spellings by chance are in truth/people and in the mistakes of records; here are those
-- that tests call by name.
WITH requirements (persona, requirement) AS (
    VALUES
        ('kelley_alone', 'R20'), ('kelley_sisters', 'R20'), ('fashion_shopper', 'R11'), ('wii_game', 'R43'),
        ('seven_shopper', 'R9'), ('replenishment', 'R54'), ('sms_responder', 'R55'), ('cross_brand', 'R7'),
        ('married_and_moved', 'R20'), ('transliterated', 'R20'), ('shared_mailbox', 'P1'), ('promo_hunter', 'R34'), ('churned', 'R35')
)
SELECT people.persona AS case_name, requirements.requirement, 'person' AS kind, people.person_id AS value
FROM people
JOIN requirements ON requirements.persona = people.persona
UNION ALL
SELECT people.persona, requirements.requirement, 'record', concat(records.source, ':', records.record_id)
FROM people
JOIN requirements ON requirements.persona = people.persona
JOIN records ON records.person_n = people.person_n
UNION ALL
SELECT 'wii_game', 'R43', 'sku', unnest(['P201', 'P101'])
UNION ALL
SELECT 'test_email', 'P1', 'record', concat(source, ':', record_id) FROM records WHERE lower(trim(email)) = 'test@test.com' AND person_n <= 100000
UNION ALL
SELECT 'kiosk_of_forty', 'P1', 'device', max(device_id) FROM devices WHERE kind = 'kiosk'
ORDER BY case_name, kind, value
