-- One row per comparison and level of the identity artefact in force: what it says for or against one person when two records are on that level.
-- owner: team:data-engineering
-- column comparison: a fact about a person, or prior: what holds before anything is compared
-- column level: how far two records agree about it; a pair is on the first level that it meets
-- column agreement: both, as one text
-- column place: of the level in its comparison, the best first
-- column m_probability: share of the pairs of one person that are on the level
-- column u_probability: share of the pairs of two people that are on it
-- column weight: log2 of m over u, in thousandths of a bit; more than 0 speaks for one person
-- column is_frequency_adjusted: a value that few have weighs more than this, one that many have less
-- check: count(*) FILTER (weight IS NULL) = 0
-- plot bar: agreement by max(weight) / 1000
SELECT comparison || ': ' || level AS agreement, *
FROM computed.level_weights
