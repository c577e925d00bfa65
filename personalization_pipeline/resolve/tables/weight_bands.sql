-- One row per band of weights: how many scored pairs of records lie in it tonight, and when the identity artefact was learned.
-- owner: team:data-engineering
-- column lowest_weight: where the band begins, in thousandths of a bit
-- column pair_count: scored pairs that became edges
-- column learned_share: NULL where the artefact has not kept it
-- check: count(*) - count(DISTINCT lowest_weight) = 0
-- plot bar: band by sum(pair_count)
SELECT
    band,
    lowest_weight,
    pair_count,
    CAST(pair_count / nullif(sum(pair_count) OVER (), 0) AS DECIMAL(18, 6)) AS tonight_share,
    CAST(learned_pair_count / nullif(sum(learned_pair_count) OVER (), 0) AS DECIMAL(18, 6)) AS learned_share
FROM computed.weight_bands
