-- The one row that holds the catalogue as lists, so that a hash picks a product without a join.
SELECT
    list(sku ORDER BY product_n) AS skus,
    list(category ORDER BY product_n) AS categories
FROM catalogue
