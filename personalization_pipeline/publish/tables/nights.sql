-- One row per night in this file, always one: the moment that everything here is about.
-- owner: team:data-engineering
-- column as_of: in UTC
-- column today: the calendar day in the project's time zone
-- check: count(*) = 1
SELECT *
FROM tonight
