-- The e-mail system's stream of engagement: one JSON object an event, as Braze Currents names its fields; time in unix seconds.
WITH happened AS (
    SELECT *, 'Send' AS what, sent_at AS moment, false AS by_machine FROM email_sends
    UNION ALL SELECT *, CASE WHEN is_dead THEN 'Bounce' ELSE 'Delivery' END, sent_at + INTERVAL 3 SECOND, false FROM email_sends
    UNION ALL SELECT *, 'Open', machine_opened_at, true FROM email_sends WHERE machine_opened_at IS NOT NULL
    UNION ALL SELECT *, 'Open', opened_at, false FROM email_sends WHERE opened_at IS NOT NULL
    UNION ALL SELECT *, 'Click', clicked_at, false FROM email_sends WHERE clicked_at IS NOT NULL
    UNION ALL SELECT *, 'Unsubscribe', unsubscribed_at, false FROM email_sends WHERE unsubscribed_at IS NOT NULL
)
SELECT
    moment + INTERVAL 30 SECOND AS arrived_at,
    concat('users.messages.email.', what) AS event_type,
    CAST(CAST(md5(concat(key, what, by_machine)) AS UUID) AS VARCHAR) AS id,
    CAST(epoch(moment) AS BIGINT) AS "time",
    {
        'user_id': printf('%016x', chance(concat('braze|', person_n))),
        'external_user_id': shop_id,
        'timezone': 'Europe/Berlin'
    } AS "user",
    {
        'campaign_id': campaign_id,
        'campaign_name': campaign_name,
        'dispatch_id': md5(campaign_id),
        'message_variation_name': 'Variant 1',
        'email_address': email,
        'app_group': brand,
        'machine_open': CASE WHEN what = 'Open' THEN CASE WHEN by_machine THEN 'true' ELSE 'false' END END,
        'link_url': CASE WHEN what = 'Click' THEN concat('https://www.', replace(brand, '_', '-'), '.example/c/', category) END,
        'user_agent': CASE WHEN by_machine THEN 'Mozilla/5.0' WHEN what IN ('Open', 'Click') THEN 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)' END
    } AS properties
FROM happened
