-- The e-mail system's stream of engagement: one JSON object an event, as Braze Currents names its fields; time in unix seconds.
-- Put together as text, like the tracking calls: with them it is nearly all that the world writes.
WITH prepared AS (
    SELECT
        *,
        printf('%016x', h) AS send_id,
        concat(
            '"user":{"user_id":"', printf('%016x', chance(concat('braze|', person_n))), '","external_user_id":"', shop_id, '","timezone":"Europe/Berlin"},',
            '"properties":{"campaign_id":"', campaign_id, '","campaign_name":"', campaign_name, '","dispatch_id":"', left(campaign_id, 8), '","send_id":"', printf('%016x', h),
            '","message_variation_name":"Variant 1","app_group":"', brand, '","email_address":', CAST(to_json(email) AS VARCHAR)
        ) AS envelope
    FROM email_sends
), happened AS (
    SELECT sent_at AS moment, 'Send' AS what, '' AS more, send_id, envelope FROM prepared
    UNION ALL
    SELECT sent_at + INTERVAL 3 SECOND, CASE WHEN is_dead THEN 'Bounce' ELSE 'Delivery' END, '', send_id, envelope FROM prepared
    UNION ALL
    SELECT machine_opened_at, 'Open', ',"machine_open":"true","user_agent":"Mozilla/5.0"', send_id, envelope
    FROM prepared WHERE machine_opened_at IS NOT NULL
    UNION ALL
    SELECT opened_at, 'Open', ',"machine_open":"false","user_agent":"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"', send_id, envelope
    FROM prepared WHERE opened_at IS NOT NULL
    UNION ALL
    SELECT clicked_at, 'Click', concat(',"link_url":"https://www.', replace(brand, '_', '-'), '.example/c/', coalesce(category, 'new'), '"'), send_id, envelope
    FROM prepared WHERE clicked_at IS NOT NULL
    UNION ALL
    SELECT unsubscribed_at, 'Unsubscribe', '', send_id, envelope FROM prepared WHERE unsubscribed_at IS NOT NULL
)
SELECT
    moment + INTERVAL 30 SECOND AS arrived_at,
    concat(
        '{"event_type":"users.messages.email.', what, '","id":"', send_id, '-', lower(left(what, 2)), CASE WHEN more LIKE '%"true"%' THEN 'm' END,
        '","time":', CAST(epoch(moment) AS BIGINT), ',', envelope, more, '}}'
    ) AS line
FROM happened
