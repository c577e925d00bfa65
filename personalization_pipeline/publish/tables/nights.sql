-- One row per night in this file, always one: the moment that everything here is about.
-- owner: team:data-engineering
-- column moment_at: as_of, in UTC
-- column today_on: the calendar day in the project's time zone
-- check: count(*) = 1
SELECT
    as_of AS moment_at,
    today AS today_on,
    time_zone,
    currency
FROM tonight
