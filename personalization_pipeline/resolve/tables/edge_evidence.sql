-- One row per pair of records and kind of evidence, as in `edges`, with what it says in words: ask it about a few pairs.
-- owner: team:data-engineering
-- private
-- view
-- column evidence: JSON, the weight of each comparison, which with the prior add up to the pair's; of a word, who said it, when and why
WITH labelled AS (
    SELECT place, comparison, list(label ORDER BY level_number) AS labels
    FROM comparison_levels
    GROUP BY place, comparison
), told AS (
    SELECT list(comparison ORDER BY place) AS comparisons, list(labels ORDER BY place) AS labels
    FROM labelled
)
SELECT
    edges.record_key_l,
    edges.record_key_r,
    edges.kind,
    edges.weight,
    CASE
        WHEN edges.said IS NOT NULL THEN edges.said
        WHEN edges.levels IS NULL THEN '{"' || edges.kind || '":{"level":"same","millibits":' || edges.weight || '}}'
        ELSE '{"prior":' || (edges.weight - list_sum(edges.facts)) || array_to_string(list_transform(
            edges.levels,
            lambda level, i: ',"' || told.comparisons[i] || '":{"level":' || to_json(told.labels[i][level + 2])
            || ',"millibits":' || edges.facts[i] || '}'
        ), '') || '}'
    END AS evidence
FROM edges
CROSS JOIN told
