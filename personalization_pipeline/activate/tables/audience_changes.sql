-- One row per audience, destination and person who entered or left since yesterday, with the one cause of that; none on the first night.
-- owner: team:marketing
-- column destination: where it is delivered; blank for the candidates, whom the rule means
-- column change: entered or left
-- column cause: the first input that, switched from yesterday's to tonight's, makes the membership tonight's: identity, consent, rule, score, time, else new fact
-- check: count(*) - count(DISTINCT audience || '|' || destination || '|' || person_id) = 0
-- check: count(*) FILTER (cause NOT IN ('identity', 'consent', 'rule', 'score', 'time', 'new fact')) = 0
-- plot bar: cause by count(*)
SELECT
    name AS audience,
    destination,
    person_id,
    CASE WHEN is_entry THEN 'entered' ELSE 'left' END AS change,
    arg_min(cause, place) AS cause
FROM computed.audience_steps
WHERE is_member = is_entry
GROUP BY name, destination, person_id, is_entry
