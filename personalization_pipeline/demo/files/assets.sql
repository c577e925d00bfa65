-- The catalogue of content: one line per asset, locale and version, with market, product, audience tag and rights window.
-- Plants: locales that are missing (R15), rights that ran out, a newer version of the same asset.
WITH wanted AS (
    SELECT catalogue.*, kinds.kind AS asset_type, locales.locale, locales.market, concat(catalogue.sku, '|', kinds.kind, '|', locales.locale) AS key
    FROM catalogue
    CROSS JOIN (VALUES ('image'), ('headline'), ('teaser')) AS kinds (kind)
    CROSS JOIN (VALUES ('en-GB', 'GB'), ('de-DE', 'DE'), ('fr-FR', 'FR')) AS locales (locale, market)
), made AS (
    SELECT *, unnest(CASE WHEN u(key, 'revised') < 0.1 THEN [1, 2] ELSE [1] END) AS version
    FROM wanted
    WHERE locale = 'en-GB' OR u(key, 'is there') >= 0.08
)
SELECT
    TIMESTAMP '2026-06-30 20:00:00' AS arrived_at,
    concat('A-', sku, '-', asset_type) AS asset_id,
    asset_type AS type,
    locale,
    market,
    sku,
    CASE WHEN u(sku, 'audience') < 0.2 THEN 'premium' WHEN u(sku, 'audience') < 0.5 THEN 'new_customers' ELSE 'all' END AS audience_tag,
    '2024-07-01' AS rights_from,
    CASE WHEN u(key, 'rights') < 0.06 THEN '2026-03-31' ELSE '2027-12-31' END AS rights_until,
    version,
    concat(product_name, CASE WHEN version > 1 THEN ' *' ELSE '' END) AS title,
    md5(concat(key, version)) AS checksum
FROM made
