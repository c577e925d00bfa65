-- One row per record that a touchpoint makes of a person: the account that the app and the web shop identify, the requester
-- of a ticket, the chat visitor who leaves an address. Whoever scores identity needs them beside the systems' own records.
-- Plants: accounts that were opened with test@test.com (P1).
WITH made AS (
    SELECT person_n, 'segment_events' AS source, shop_id AS record_id, min(make_timestamp(arrives_ms * 1000)) AS created_at
    FROM visits
    WHERE identify_at IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT person_n, 'zendesk_tickets', CAST(requester_id AS VARCHAR), min(created_at) FROM tickets GROUP BY ALL
    UNION ALL
    SELECT person_n, 'chats', visitor_id, min(started_at) FROM chats WHERE email IS NOT NULL GROUP BY ALL
)
SELECT
    made.person_n,
    made.source,
    made.record_id,
    CASE WHEN made.source = 'chats' THEN split_part(crowd.first_name, ' ', 1) ELSE crowd.first_name END AS first_name,
    CASE WHEN made.source <> 'chats' THEN crowd.last_name END AS last_name,
    CASE WHEN made.source = 'segment_events' AND crowd.case_name = 'placeholder_email' THEN 'test@test.com' ELSE crowd.email END AS email,
    crowd.country,
    crowd.language,
    made.created_at,
    made.created_at AS updated_at,
    CASE WHEN made.source = 'segment_events' AND crowd.case_name = 'placeholder_email' THEN 'email_placeholder' ELSE '' END AS mistakes
FROM made
JOIN crowd ON crowd.person_n = made.person_n
WHERE made.created_at < world_ends_at()
ORDER BY made.source, made.record_id
