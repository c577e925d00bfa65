-- One row per country and day of the last year: public holiday and weather.
WITH days AS (
    SELECT CAST(unnest(generate_series(TIMESTAMP '2025-07-01', until_at() + INTERVAL 30 DAY, INTERVAL 1 DAY)) AS DATE) AS day
)
SELECT
    days.day AS date,
    countries.country,
    CASE
        WHEN strftime(days.day, '%m%d') = '1225' THEN 'Christmas'
        WHEN strftime(days.day, '%m%d') = '0101' THEN 'New Year'
        WHEN countries.country <> 'GB' AND strftime(days.day, '%m%d') = '0501' THEN 'Labour Day'
        WHEN countries.country = 'DE' AND strftime(days.day, '%m%d') = '1003' THEN 'Unity Day'
        WHEN countries.country = 'FR' AND strftime(days.day, '%m%d') = '0714' THEN 'National Day'
        WHEN countries.country = 'GB' AND strftime(days.day, '%m%d') = '1226' THEN 'Boxing Day'
    END AS holiday,
    CAST(round(11 - 9 * cos(2 * pi() * (dayofyear(days.day) - 20) / 365) + 6 * (u(concat(countries.country, days.day), 'warm') - 0.5)) AS INTEGER) AS temperature_c,
    CASE WHEN u(concat(countries.country, days.day), 'rain') < 0.35 THEN 1 + CAST(floor(15 * u(concat(countries.country, days.day), 'how much')) AS INTEGER) ELSE 0 END AS rain_mm
FROM days
CROSS JOIN (VALUES ('GB'), ('DE'), ('FR')) AS countries (country)
ORDER BY date, country
