-- The true probability that a person answers an offer, and whether she did: one row per message sent.
SELECT
    person_id,
    campaign_id,
    campaign_name,
    'email' AS channel,
    round(open_probability, 4) AS response_probability,
    opened_at IS NOT NULL AS is_opened,
    clicked_at IS NOT NULL AS is_clicked
FROM email_sends
WHERE sent_at < world_ends_at()
UNION ALL
SELECT person_id, campaign_id, campaign_name, 'sms', round(click_probability, 4), NULL, clicked_at IS NOT NULL
FROM sms_sends
WHERE sent_at < world_ends_at()
ORDER BY ALL
