from __future__ import annotations
import polars as pl
from personalization_pipeline.resolve import identity_model as im

def _score(s, artefact, rules, threshold, threads=2, memory_limit=None):
    st = dict(artefact["settings"], blocking_rules_to_generate_predictions=rules)
    lk, api = im.linker(s.sort("record_key"), st, threads, memory_limit)
    for c, f in artefact["term_frequencies"].items():
        t = s.select(pl.col(c)).drop_nulls().unique().sort(c)
        known = pl.DataFrame({c: list(f["counts"]), "n": list(f["counts"].values())}, schema={c: pl.String, "n": pl.Int64})
        t = t.join(known, on=c, how="left").select(c, (pl.col("n").fill_null(1) / f["total"]).alias("tf_" + c))
        lk.table_management.register_term_frequency_lookup(api.register(t.to_arrow()), c)
    d = lk.inference.predict(threshold_match_weight=None if threshold is None else threshold / 1000 - .1)
    import pyarrow as pa
    out = pl.DataFrame(d.as_pyarrow_table())
    import math
    lam = artefact["settings"]["probability_two_random_records_match"]
    prior = round(math.log2(lam / (1 - lam)) * 1000)
    mw = [c for c in out.columns if c.startswith("mw_") and not c.startswith("mw_tf_adj")]
    w = pl.lit(prior, pl.Int64)
    cols = []
    for c in mw:
        e = pl.col(c)
        if (a := "mw_tf_adj_" + c[3:]) in out.columns: e = e + pl.col(a)
        cols.append((e * 1000).round().cast(pl.Int64).alias(c[3:]))
    out = out.select("record_key_l", "record_key_r", *[c for c in out.columns if c.startswith("gamma_")], *cols)
    out = out.with_columns(weight=pl.lit(prior) + pl.sum_horizontal([c[3:] for c in mw]))
    if threshold is not None: out = out.filter(pl.col("weight") >= threshold)
    return out

def score_pairs(s, artefact, threads=2, lowest=-5000):
    return _score(s, artefact, artefact["settings"]["blocking_rules_to_generate_predictions"] if isinstance(artefact["settings"]["blocking_rules_to_generate_predictions"][0], str) else [b["blocking_rule"] for b in artefact["settings"]["blocking_rules_to_generate_predictions"]], lowest, threads)
