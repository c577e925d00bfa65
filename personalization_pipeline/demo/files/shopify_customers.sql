-- Shopify's customer export, in its own header order, with one metafield column. The quotation mark before ids, telephones
-- and postal codes is Shopify's own, against spreadsheets. Plants: a person's accounts at both brands, and second accounts.
WITH accounts AS (
    SELECT *, record_n % 10 AS slot, night_touched(record_n) AS touched_at
    FROM records
    WHERE source = 'shopify_customers' AND created_at < until_at()
), changed AS (
    SELECT accounts.*, people.home_brand
    FROM accounts
    JOIN people ON people.person_n = accounts.person_n
    WHERE NOT is_night() OR accounts.created_at >= from_at() OR accounts.touched_at IS NOT NULL
), spent AS (
    SELECT orders.record_n, count(DISTINCT orders.order_n) AS order_count, sum(lines.amount_cents) AS spent_cents
    FROM orders
    JOIN lines ON lines.order_n = orders.order_n
    WHERE orders.record_n IN (SELECT record_n FROM changed) AND lines.occurred_at < until_at()
    GROUP BY orders.record_n
)
SELECT
    concat('''', record_id) AS "Customer ID",
    first_name AS "First Name",
    last_name AS "Last Name",
    nullif(email, '') AS "Email",
    CASE WHEN u(person_n, 'accepts') < 0.4 THEN 'yes' ELSE 'no' END AS "Accepts Email Marketing",
    NULL AS "Default Address Company",
    concat_ws(' ', CASE WHEN country <> 'DE' THEN house_number END, street, CASE WHEN country = 'DE' THEN house_number END) AS "Default Address Address1",
    NULL AS "Default Address Address2",
    city AS "Default Address City",
    NULL AS "Default Address Province Code",
    country AS "Default Address Country Code",
    concat('''', postal_code) AS "Default Address Zip",
    CASE WHEN phone <> '' THEN concat('''', phone) END AS "Default Address Phone",
    CASE WHEN phone <> '' THEN concat('''', phone) END AS "Phone",
    CASE WHEN u(person_n, 'accepts sms') < 0.2 THEN 'yes' ELSE 'no' END AS "Accepts SMS Marketing",
    euros(coalesce(spent_cents, 0)) AS "Total Spent",
    coalesce(order_count, 0) AS "Total Orders",
    NULL AS "Note",
    'no' AS "Tax Exempt",
    CASE WHEN (home_brand = 'leaf_and_bean') = (slot <> 1) THEN 'leaf_and_bean' ELSE 'pixel_and_play' END AS "Tags",
    shop_time(coalesce(touched_at, updated_at)) AS "Updated (customer.metafields.custom.updated_at)"
FROM changed
LEFT JOIN spent ON spent.record_n = changed.record_n
ORDER BY created_at, changed.record_n
