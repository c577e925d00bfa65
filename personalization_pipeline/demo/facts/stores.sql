-- One row per store.
SELECT
    store_id,
    brand,
    city,
    country,
    CAST(opened_on AS DATE) AS opened_on,
    row_number() OVER (PARTITION BY brand, country ORDER BY store_id) - 1 AS place,
    count(*) OVER (PARTITION BY brand, country) AS place_count
FROM words_stores
ORDER BY store_id
