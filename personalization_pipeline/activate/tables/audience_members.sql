-- One row per audience, destination and person in the delivered file.
-- owner: team:marketing
SELECT audience, destination, person_id
FROM audience_waterfall
WHERE outcome = 'delivered'
