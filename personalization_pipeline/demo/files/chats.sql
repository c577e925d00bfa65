-- Transcripts of chats, one JSON object a chat; the visitor's id is her browser's, name and address are what she typed.
SELECT
    started_at + to_seconds(duration_s) AS arrived_at,
    chat_id AS id,
    strftime(started_at, '%Y-%m-%dT%H:%M:%SZ') AS "timestamp",
    duration_s AS duration,
    {'id': visitor_id, 'name': CASE WHEN email IS NOT NULL THEN split_part(first_name, ' ', 1) END, 'email': email} AS visitor,
    CASE topic WHEN 'style' THEN 'Style advice' ELSE 'Service' END AS department_name,
    brand,
    CASE WHEN cut(h, 2) < 0.2 THEN 'good' WHEN cut(h, 2) < 0.24 THEN 'bad' END AS rating,
    [{'name': 'visitor', 'msg': pick(texts, cut(h, 1))}, {'name': 'agent', 'msg': '...'}] AS history
FROM chats
JOIN phrases ON phrases.kind = chats.topic AND phrases.language = chats.language
