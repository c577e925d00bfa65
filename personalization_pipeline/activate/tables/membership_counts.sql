-- One row per segment, and per audience and destination: members yesterday, entered, left, members tonight; none on the first night.
-- owner: team:marketing
-- column kind: segment or audience
-- column destination: where an audience is delivered; blank for its candidates and for segments
-- column rest_count: what the changes do not explain
-- check: count(*) FILTER (rest_count <> 0) = 0
WITH entries AS (
    SELECT 'segment' AS kind, segment AS name, '' AS destination, 'before' AS side
    FROM yesterday.segment_members
    UNION ALL
    SELECT 'segment', segment, '', 'after'
    FROM segment_members
    UNION ALL
    SELECT 'segment', segment, '', change
    FROM segment_changes
    UNION ALL
    SELECT 'audience', audience, '', 'before'
    FROM yesterday.audience_candidates
    UNION ALL
    SELECT 'audience', audience, '', 'after'
    FROM audience_candidates
    UNION ALL
    SELECT 'audience', audience, destination, 'before'
    FROM yesterday.audience_members
    UNION ALL
    SELECT 'audience', audience, destination, 'after'
    FROM audience_members
    UNION ALL
    SELECT 'audience', audience, destination, change
    FROM audience_changes
), sums AS (
    SELECT
        kind,
        name,
        destination,
        count(*) FILTER (side = 'before') AS before_count,
        count(*) FILTER (side = 'entered') AS entered_count,
        count(*) FILTER (side = 'left') AS left_count,
        count(*) FILTER (side = 'after') AS after_count
    FROM entries
    WHERE EXISTS (SELECT 1 FROM yesterday.records)
    GROUP BY kind, name, destination
)
SELECT *, before_count + entered_count - left_count - after_count AS rest_count
FROM sums
