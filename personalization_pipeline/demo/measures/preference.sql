-- Which channel and which hour (UTC) a person answers on, against what she truly prefers.
-- plain: most answers per message; her commonest hour (R55, a later issue, has no column yet)
WITH answered AS (
    SELECT
        person_id,
        count(*) FILTER (kind = 'receipt' AND channel = 'email') AS email_count,
        count(*) FILTER (kind = 'receipt' AND channel = 'sms') AS sms_count,
        count(*) FILTER (kind = 'open' AND channel = 'email') AS email_answers,
        count(*) FILTER (kind = 'click' AND channel = 'sms') AS sms_answers
    FROM events
    WHERE person_id IS NOT NULL
    GROUP BY person_id
), favoured AS (
    SELECT
        person_id,
        CASE WHEN sms_answers * email_count > email_answers * sms_count THEN 'sms' ELSE 'email' END AS channel
    FROM answered
    WHERE email_count >= 2 AND sms_count >= 2
), hours AS (
    SELECT person_id, hour(occurred_at) AS answer_hour
    FROM events
    WHERE person_id IS NOT NULL AND kind IN ('open', 'click')
    GROUP BY person_id, answer_hour
    HAVING count(*) >= 2
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY count(*) DESC, answer_hour) = 1
), channels_judged AS (
    SELECT
        avg(CAST(favoured.channel = true_people.preferred_channel AS INTEGER)) AS right_share,
        greatest(avg(CAST(true_people.preferred_channel = 'email' AS INTEGER)), avg(CAST(true_people.preferred_channel = 'sms' AS INTEGER))) AS commonest_share
    FROM favoured
    JOIN matches ON matches.person_id = favoured.person_id
    JOIN true_people ON true_people.person_id = matches.true_person_id
), hours_judged AS (
    SELECT avg(CAST(hours.answer_hour = true_people.preferred_hour AS INTEGER)) AS right_share
    FROM hours
    JOIN matches ON matches.person_id = hours.person_id
    JOIN true_people ON true_people.person_id = matches.true_person_id
)
SELECT 'right channel, of people with two messages on each' AS figure, NULL AS pipeline, right_share AS plain, NULL AS truth
FROM channels_judged
UNION ALL
SELECT 'the commonest channel for everybody would be right for', NULL, NULL, commonest_share FROM channels_judged
UNION ALL
SELECT 'right hour, of people with two answers in one', NULL, right_share, NULL FROM hours_judged
