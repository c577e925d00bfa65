-- One row per question to people about who is one person, the most valuable answers first, 200 at most: two people who are rather one than two, or one who hangs by a weak link.
-- owner: team:data-engineering
-- private
-- column question: apart: two people whose closest records are rather one person; together: one person by a weak link
-- column record_key_l: of the two records that the question is about, the smaller
-- column person_id_r: the other of two people; of one, herself
-- column weight: of the pair, in thousandths of a bit
-- column record_count: records of all concerned
-- column priority: records concerned, the less the farther the pair is from the cut
-- column waiting_count: questions that there are, also beyond the 200
-- column words: the question, without anybody's data
-- column command: what says yes; --never instead of --same says no
-- check: count(*) FILTER (record_key_l >= record_key_r) = 0
-- check: count(*) <= 200
WITH cuts AS (
    SELECT min(component_cut) AS cut
    FROM clusters
), sizes AS (
    SELECT person_id, count(*) AS record_count
    FROM records
    GROUP BY person_id
), answered AS (
    SELECT DISTINCT least(one.person_id, other.person_id) AS person_id_l, greatest(one.person_id, other.person_id) AS person_id_r
    FROM edges
    JOIN records AS one ON one.record_key = edges.record_key_l
    JOIN records AS other ON other.record_key = edges.record_key_r
    WHERE edges.kind = 'never'
), near AS (
    SELECT
        edges.record_key_l,
        edges.record_key_r,
        edges.kind,
        edges.weight,
        one.person_id AS person_id_l,
        other.person_id AS person_id_r,
        least(one.person_id, other.person_id) AS first_id,
        greatest(one.person_id, other.person_id) AS second_id
    FROM edges
    JOIN records AS one ON one.record_key = edges.record_key_l
    JOIN records AS other ON other.record_key = edges.record_key_r
    WHERE edges.weight > 0 AND one.person_id <> other.person_id
), strangers AS (
    SELECT
        near.record_key_l,
        near.record_key_r,
        near.person_id_l,
        near.person_id_r,
        near.weight
    FROM near
    LEFT JOIN answered ON answered.person_id_l = near.first_id AND answered.person_id_r = near.second_id
    WHERE answered.person_id_l IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY near.first_id, near.second_id
        ORDER BY near.weight DESC, near.record_key_l, near.record_key_r, near.kind
    ) = 1
), questions AS (
    SELECT
        'apart' AS question,
        strangers.*,
        one.record_count + other.record_count AS record_count,
        greatest(cuts.cut - strangers.weight, 0) AS distance
    FROM strangers
    CROSS JOIN cuts
    JOIN sizes AS one ON one.person_id = strangers.person_id_l
    JOIN sizes AS other ON other.person_id = strangers.person_id_r
    UNION ALL
    SELECT
        'together',
        weak.record_key_l,
        weak.record_key_r,
        records.person_id,
        records.person_id,
        weak.weight,
        sizes.record_count,
        greatest(weak.weight - cuts.cut, 0)
    FROM computed.weakest_links AS weak
    CROSS JOIN cuts
    JOIN records ON records.record_key = weak.record_key_l
    JOIN sizes ON sizes.person_id = records.person_id
), valued AS (
    SELECT *, record_count * 1000000 // (1000 + distance) AS priority
    FROM questions
), ranked AS (
    SELECT
        *,
        count(*) OVER () AS waiting_count,
        row_number() OVER (ORDER BY priority DESC, record_key_l, record_key_r) AS place
    FROM valued
)
SELECT
    question,
    record_key_l,
    record_key_r,
    person_id_l,
    person_id_r,
    weight,
    record_count,
    priority,
    waiting_count,
    'Are ' || record_key_l || ' and ' || record_key_r || ' one person? '
        || CASE question WHEN 'apart' THEN 'Tonight they are two.' ELSE 'Tonight they are, by this pair alone.' END AS words,
    'personalize link ' || record_key_l || ' ' || record_key_r || ' --same' AS command
FROM ranked
WHERE place <= 200
