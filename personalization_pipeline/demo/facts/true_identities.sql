-- Whose each device, cookie, handle and chat visitor is; a shared device has a row for everybody who uses it.
SELECT 'anonymous_id' AS kind, anonymous_id AS value, crowd.person_id
FROM handsets
JOIN crowd ON crowd.person_n = handsets.person_n
UNION ALL
SELECT DISTINCT 'device_id', handsets.device_id, crowd.person_id
FROM handsets
JOIN crowd ON crowd.person_n = handsets.person_n
WHERE NOT starts_with(handsets.device_id, 'borrowed-')
UNION ALL
SELECT 'handle', concat(network, '/@', handle), person_id FROM handles
UNION ALL
SELECT DISTINCT 'visitor_id', chats.visitor_id, crowd.person_id FROM chats JOIN crowd ON crowd.person_n = chats.person_n
ORDER BY ALL
