-- The stores of both brands.
SELECT store_id, brand, city, country, opened_on FROM stores ORDER BY store_id
