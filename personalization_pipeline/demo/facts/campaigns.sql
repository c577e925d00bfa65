-- One row per campaign: newsletters of both brands, text messages, and one randomised campaign with a holdout arm.
-- Plants: `spring_return` goes to the treated arm only, by the consent of each person's home brand (brand is NULL);
-- people.uplift is its true effect. Two newsletters go out after the first night.
WITH issues AS (
    SELECT 'email' AS channel, 'leaf_and_bean' AS brand, 'newsletter' AS kind, unnest(range(12)) AS issue, 2 AS months
    UNION ALL SELECT 'email', 'pixel_and_play', 'newsletter', unnest(range(8)), 3
    UNION ALL SELECT 'sms', 'leaf_and_bean', 'text', unnest(range(5)), 5
    UNION ALL SELECT 'sms', 'pixel_and_play', 'text', unnest(range(4)), 6
), planned AS (
    SELECT
        channel,
        brand,
        kind,
        concat(brand, '_', kind, '_', issue + 1) AS campaign_name,
        TIMESTAMP '2024-07-09 08:00:00' + to_months(CAST(issue * months AS INTEGER)) AS sent_at
    FROM issues
    UNION ALL VALUES
        ('email', NULL, 'randomised', 'spring_return', TIMESTAMP '2026-04-14 08:00:00'),
        ('email', 'leaf_and_bean', 'newsletter', 'leaf_and_bean_summer', TIMESTAMP '2026-07-01 08:00:00'),
        ('email', 'pixel_and_play', 'newsletter', 'pixel_and_play_summer', TIMESTAMP '2026-07-02 08:00:00')
), categories AS (
    SELECT brand, list(DISTINCT category ORDER BY category) AS names
    FROM catalogue
    GROUP BY brand
)
SELECT
    row_number() OVER (ORDER BY planned.sent_at, planned.campaign_name) AS campaign_n,
    CAST(CAST(md5(concat('campaign|', planned.campaign_name)) AS UUID) AS VARCHAR) AS campaign_id,
    planned.campaign_name,
    planned.channel,
    planned.brand,
    planned.kind,
    planned.sent_at,
    planned.sent_at + INTERVAL 28 DAY AS ends_at,
    concat(',"campaign":{"name":"', planned.campaign_name, '","medium":"', planned.channel, '","source":"', coalesce(planned.brand, 'house'), '"}') AS context,
    categories.names[1 + CAST(floor(u(planned.campaign_name, 'category') * len(categories.names)) AS BIGINT)] AS category
FROM planned
LEFT JOIN categories ON categories.brand = planned.brand
ORDER BY campaign_n
