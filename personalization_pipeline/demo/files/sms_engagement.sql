-- The text-message side of the same system: send, delivery or rejection, a tap on the short link, an answer (STOP).
WITH happened AS (
    SELECT *, 'Send' AS what, sent_at AS moment FROM sms_sends
    UNION ALL SELECT *, CASE WHEN is_rejected THEN 'Rejection' ELSE 'Delivery' END, sent_at + INTERVAL 2 SECOND FROM sms_sends
    UNION ALL SELECT *, 'ShortLinkClick', clicked_at FROM sms_sends WHERE clicked_at IS NOT NULL
    UNION ALL SELECT *, 'InboundReceive', stopped_at FROM sms_sends WHERE stopped_at IS NOT NULL
)
SELECT
    moment + INTERVAL 30 SECOND AS arrived_at,
    concat('users.messages.sms.', what) AS event_type,
    CAST(CAST(md5(concat('sms', key, what)) AS UUID) AS VARCHAR) AS id,
    CAST(epoch(moment) AS BIGINT) AS "time",
    {
        'user_id': printf('%016x', chance(concat('braze|', person_n))),
        'external_user_id': shop_id
    } AS "user",
    {
        'campaign_id': campaign_id,
        'campaign_name': campaign_name,
        'to_phone_number': phone,
        'app_group': brand,
        'message_body': CASE WHEN what = 'InboundReceive' THEN 'STOP' END
    } AS properties
FROM happened
