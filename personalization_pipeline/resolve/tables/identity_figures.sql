-- One row per figure and subject that is watched about who is one person: tonight, when the artefact was learned, and whether the difference is too much.
-- owner: team:data-engineering
-- column figure: what is measured; figures.yaml says which of it is too much and why
-- column subject: of what, where there are several
-- column tonight_value: shares lie in 0..1
-- column learned_value: the same when the identity artefact was learned; NULL where it was not measured then
-- column compared: change: by how much it is another; times: how many times as much; value: by itself
-- column distance: what is compared with the bound
-- column state: holds, watch, beyond its bound, not kept by this artefact, too little to tell
-- column remedy: what to do about it
-- check: count(*) - count(DISTINCT (figure, subject)) = 0
-- warn: count(*) FILTER (state = 'beyond its bound') = 0
WITH figures AS (
    SELECT
        measured.figure,
        measured.subject,
        CAST(measured.tonight_millionths * 0.000001 AS DECIMAL(18, 6)) AS tonight_value,
        CAST(measured.learned_millionths * 0.000001 AS DECIMAL(18, 6)) AS learned_value,
        bounds.compared,
        CAST(CASE bounds.compared
            WHEN 'change' THEN abs(measured.tonight_millionths - measured.learned_millionths) * 0.000001
            WHEN 'times' THEN measured.tonight_millionths / nullif(measured.learned_millionths, 0)
            ELSE measured.tonight_millionths * 0.000001
        END AS DECIMAL(18, 6)) AS distance,
        bounds.watch,
        bounds.bound,
        coalesce(measured.tonight_millionths * 0.000001 < bounds.few, false) AS is_little,
        bounds.remedy
    FROM computed.identity_measures AS measured
    JOIN computed.figure_bounds AS bounds ON bounds.figure = measured.figure
), judged AS (
    SELECT
        *,
        CASE
            WHEN learned_value IS NULL AND compared <> 'value' THEN 'not kept by this artefact'
            WHEN is_little OR distance IS NULL THEN 'too little to tell'
            WHEN distance > bound THEN 'beyond its bound'
            WHEN distance > watch THEN 'watch'
            ELSE 'holds'
        END AS state
    FROM figures
)
SELECT
    figure,
    subject,
    tonight_value,
    learned_value,
    compared,
    distance,
    bound,
    state,
    CASE WHEN state IN ('watch', 'beyond its bound') THEN remedy ELSE '' END AS remedy
FROM judged
