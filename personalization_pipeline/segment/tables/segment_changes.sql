-- One row per segment and person who entered or left it since yesterday, with the one cause of that; none on the first night.
-- owner: team:marketing
-- column change: entered or left
-- column cause: the first input that, switched from yesterday's to tonight's, makes the membership tonight's: identity, consent, rule, score, time, else new fact
-- check: count(*) - count(DISTINCT segment || '|' || person_id) = 0
-- check: count(*) FILTER (cause NOT IN ('identity', 'consent', 'rule', 'time', 'new fact')) = 0
-- plot bar: cause by count(*)
SELECT
    name AS segment,
    person_id,
    CASE WHEN is_entry THEN 'entered' ELSE 'left' END AS change,
    arg_min(cause, place) AS cause
FROM computed.segment_steps
WHERE is_member = is_entry
GROUP BY name, person_id, is_entry
