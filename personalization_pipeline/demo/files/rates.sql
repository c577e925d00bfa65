-- Exchange rates, euros per unit, on the first of each month.
SELECT
    strftime(months.month, '%Y-%m-%d') AS valid_from,
    currencies.currency,
    printf('%.4f', currencies.rate * (0.98 + 0.04 * u(concat(currencies.currency, months.month), 'rate'))) AS eur_per_unit
FROM (SELECT unnest(generate_series(TIMESTAMP '2024-07-01', until_at(), INTERVAL 1 MONTH)) AS month) AS months
CROSS JOIN (VALUES ('GBP', 1.17), ('CHF', 1.05), ('USD', 0.92)) AS currencies (currency, rate)
ORDER BY valid_from, currency
