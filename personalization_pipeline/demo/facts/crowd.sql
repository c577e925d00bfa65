-- One row per person of the chunk, with what the touchpoints need at hand: account ids, devices, case, favourite products;
-- name and address as her first account of the shop has them, for that is what she is called on every touchpoint.
WITH accounts AS (
    SELECT
        records.person_n,
        arg_min(records.record_id, records.record_n) FILTER (records.source = 'shopify_customers') AS shop_id,
        min(records.created_at) FILTER (records.source = 'shopify_customers') AS shop_since,
        arg_min(records.record_id, records.record_n) FILTER (records.source = 'salesforce_contacts') AS crm_id,
        arg_min(records.first_name, records.record_n) FILTER (records.source = 'shopify_customers') AS first_name,
        arg_min(records.last_name, records.record_n) FILTER (records.source = 'shopify_customers') AS last_name,
        arg_min(records.email, records.record_n) FILTER (records.source = 'shopify_customers') AS email,
        arg_min(records.mistakes, records.record_n) FILTER (records.source = 'shopify_customers') AS mistakes
    FROM records
    WHERE records.person_n BETWEEN (SELECT first_n FROM chunk) AND (SELECT last_n FROM chunk)
    GROUP BY records.person_n
), machines AS (
    SELECT
        devices.person_n,
        list(devices.device_id ORDER BY devices.device_id) FILTER (devices.kind = 'phone') AS phones
    FROM devices
    WHERE devices.person_n BETWEEN (SELECT first_n FROM chunk) AND (SELECT last_n FROM chunk)
    GROUP BY devices.person_n
), favourites AS (
    SELECT DISTINCT brand, category, category_first, category_count, product_count FROM catalogue
)
SELECT
    people.* REPLACE (
        coalesce(accounts.first_name, people.first_name) AS first_name,
        coalesce(accounts.last_name, people.last_name) AS last_name,
        CASE WHEN split_part(accounts.email, '@', 1) IN ('', 'noemail', 'test') THEN people.email ELSE coalesce(accounts.email, people.email) END AS email
    ),
    coalesce(accounts.mistakes, '') AS mistakes,
    accounts.shop_id,
    accounts.shop_since,
    accounts.crm_id,
    machines.phones,
    CAST(to_json({
        'email': CASE cases.case_name WHEN 'placeholder_email' THEN 'test@test.com' ELSE accounts.email END,
        'firstName': accounts.first_name,
        'lastName': accounts.last_name,
        'phone': CASE WHEN u(people.person_n, 'gives phone') < 0.3 THEN people.phone END,
        'createdAt': iso(epoch_ms(accounts.shop_since))
    }) AS VARCHAR) AS traits,
    coalesce(cases.case_name, '') AS case_name,
    coalesce(favourites.category_first, 0) AS favourite_first,
    coalesce(favourites.category_count, (SELECT max(product_count) FROM catalogue)) AS favourite_count,
    CASE people.home_brand WHEN 'leaf_and_bean' THEN 'pixel_and_play' ELSE 'leaf_and_bean' END AS other_brand,
    people.brand_b_share NOT IN (0, 1) AS buys_both
FROM people
LEFT JOIN accounts ON accounts.person_n = people.person_n
LEFT JOIN machines ON machines.person_n = people.person_n
LEFT JOIN case_people AS cases ON cases.person_n = people.person_n
LEFT JOIN favourites ON favourites.category = people.favourite_category AND favourites.brand = people.home_brand
WHERE NOT people.is_seven AND people.person_n BETWEEN (SELECT first_n FROM chunk) AND (SELECT last_n FROM chunk)
ORDER BY people.person_n
