-- One row per record and name: stated preferences, demographics, bought-in properties.
-- owner: team:data-engineering
-- private
-- column source: where it comes from; its party type is in the source's file
SELECT * EXCLUDE (file_key, row_number)
FROM facts.traits
