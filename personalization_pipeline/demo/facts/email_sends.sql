-- One row per e-mail that was sent, with what came of it: delivery or bounce, machine and human opens, a click, an unsubscribe.
-- Plants: the true probability to open and to click, by person and offer; machine opens that say nothing about anybody;
-- dead mailboxes; people who unsubscribe with the sender while the consent export still says yes.
WITH granted AS (
    SELECT person_n, brand, key, granted_at, least(coalesce(withdrawn_at, expires_at), coalesce(expires_at, withdrawn_at)) AS ends_at
    FROM consents
    WHERE purpose = 'marketing' AND channel = 'email' AND granted_at IS NOT NULL
), sends AS (
    SELECT
        crowd.person_n,
        crowd.person_id,
        crowd.shop_id,
        crowd.email,
        crowd.preferred_hour,
        granted.brand,
        campaigns.campaign_n,
        campaigns.campaign_id,
        campaigns.campaign_name,
        campaigns.category,
        concat(crowd.person_n, '|', campaigns.campaign_n) AS key,
        campaigns.sent_at + to_seconds(CAST(floor(u(crowd.person_n, 'send queue') * 900) AS BIGINT)) AS sent_at,
        (u(crowd.person_n, 'mailbox') < 0.015 AND crowd.case_name = '') OR contains(crowd.mistakes, 'email_typo') AS is_dead,
        u(crowd.person_n, 'mail privacy') < 0.35 AS is_machine_read,
        least(0.95, crowd.email_response * CASE WHEN campaigns.category = crowd.favourite_category THEN 1.4 ELSE 0.9 END) AS open_probability
    FROM granted
    JOIN crowd ON crowd.person_n = granted.person_n
    JOIN campaigns ON campaigns.channel = 'email'
        AND coalesce(campaigns.brand, crowd.home_brand) = granted.brand
        AND campaigns.sent_at >= granted.granted_at
        AND (granted.ends_at IS NULL OR campaigns.sent_at < granted.ends_at)
        AND (campaigns.kind <> 'randomised' OR crowd.arm = 'treated')
), lots AS (
    SELECT
        *,
        open_probability * 0.3 AS click_probability,
        chance(key) AS h,
        min(sent_at) FILTER (is_dead) OVER person_brand AS bounced_at,
        min(sent_at) FILTER (NOT is_dead AND u(key, 'unsubscribes') < 0.006 * (1 - open_probability)) OVER person_brand AS gives_up_at
    FROM sends
    WINDOW person_brand AS (PARTITION BY person_n, brand)
), outcomes AS (
    SELECT
        *,
        NOT is_dead AND (cut(h, 0) < open_probability OR sent_at IS NOT DISTINCT FROM gives_up_at) AS opens,
        NOT is_dead AND cut(h, 0) < click_probability AS clicks,
        date_trunc('day', sent_at) + to_seconds(preferred_hour * 3600 + CAST(floor(cut(h, 1) * 3600) AS BIGINT)) AS at_her_hour,
        sent_at + to_seconds(60 + CAST(floor(cut(h, 1) * 20000) AS BIGINT)) AS soon
    FROM lots
    WHERE sent_at <= coalesce(bounced_at, sent_at) AND sent_at <= coalesce(gives_up_at, sent_at)
), timed AS (
    SELECT
        *,
        CASE
            WHEN NOT opens THEN NULL
            WHEN cut(h, 2) >= 0.7 THEN soon
            WHEN at_her_hour > sent_at THEN at_her_hour
            ELSE at_her_hour + INTERVAL 1 DAY
        END AS opened_at
    FROM outcomes
)
SELECT
    * EXCLUDE (opens, clicks, at_her_hour, soon, gives_up_at, bounced_at, preferred_hour),
    CASE WHEN is_machine_read AND NOT is_dead THEN sent_at + to_seconds(4 + CAST(floor(cut(h, 3) * 600) AS BIGINT)) END AS machine_opened_at,
    CASE WHEN clicks THEN opened_at + to_seconds(5 + CAST(floor(cut(h, 4) * 90) AS BIGINT)) END AS clicked_at,
    CASE WHEN sent_at = gives_up_at THEN opened_at + INTERVAL 20 SECOND END AS unsubscribed_at
FROM timed
ORDER BY sent_at, person_n
