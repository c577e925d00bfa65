-- One row per audience, destination and person in the delivered file.
-- owner: team:marketing
-- columns: audience VARCHAR, destination VARCHAR, person_id VARCHAR
SELECT audience, destination, person_id
FROM audience_waterfall
WHERE outcome = 'delivered'
