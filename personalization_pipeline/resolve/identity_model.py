"""v0"""
from __future__ import annotations

import math
from typing import Any

import polars as pl

VERSION = 1
MAX_PAIRS = 1e6
MIN_RECORDS = 100
FILLED_SHARE = 0.02
Level = dict[str, Any]


def _both(column: str) -> str:
    return f"{column}_l = {column}_r"


def _missing(column: str) -> str:
    return f"({column}_l IS NULL OR {column}_r IS NULL)"


def _level(label: str, condition: str, m: float, **more: Any) -> Level:
    return {"label_for_charts": label, "sql_condition": condition, "m_probability": m, **more}


def _null(condition: str) -> Level:
    return {"label_for_charts": "missing", "sql_condition": condition, "is_null_level": True}


def _comparison(name: str, *levels: Level) -> dict[str, Any]:
    return {"output_column_name": name, "comparison_description": name, "comparison_levels": list(levels)}


def _similar(column: str, threshold: float) -> str:
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {threshold}"


def first_name() -> dict[str, Any]:
    initial = "substr(first_name_std_l, 1, 1) = substr(first_name_std_r, 1, 1)"
    return _comparison(
        "first_name",
        _null(_missing("first_name_std")),
        _level("same", _both("first_name_std"), 0.75, tf_adjustment_column="first_name_std"),
        _level("nickname", "list_has_any(first_name_roots_l, first_name_roots_r)", 0.08),
        _level("initial", f"(length(first_name_std_l) = 1 OR length(first_name_std_r) = 1) AND {initial}", 0.05),
        _level("similar", _similar("first_name_std", 0.88), 0.08),
        _level("other", "ELSE", 0.04),
    )


def household(filled, same_surname) -> dict[str, Any]:
    surname = "last_name_std" in filled
    places = [c for c in ("street_std", "postal_code_std", "city_std") if c in filled]
    if not places:
        return _comparison("household", _null(_missing("last_name_std")),
            _level("same surname", _both("last_name_std"), .85, tf_adjustment_column="last_name_std"),
            _level("similar surname", _similar("last_name_std", .9), .08),
            _level("other surname", "ELSE", .07))
    # nearest place: street+house+ (postal or city)
    known = " OR ".join(f"NOT {_missing(c)}" for c in places)
    near_parts = [_both(c) for c in places if c != "street_std"]
    at_parts = []
    if "street_std" in filled:
        at_parts = [f"({_similar('street_std', .92)} AND coalesce({_both('house_number')}, true) AND coalesce({' OR '.join(near_parts) or 'true'}, true))"]
    near = " OR ".join(near_parts) or "false"
    at = " OR ".join(at_parts) or "false"
    levels = []
    s = _both("last_name_std"); sim = _similar("last_name_std", .9)
    tf = dict(tf_adjustment_column="last_name_std")
    nul = f"{_missing('last_name_std')} AND NOT coalesce({at}, false) AND NOT coalesce({near}, false)" 
    levels = [_null(nul)]
    if at_parts:
        levels += [_level("same surname, same address", f"{s} AND ({at})", .6, **tf),
                   ]
    levels += [_level("same surname, same place", f"{s} AND ({near})", .1, **tf),
               _level("same surname, place unknown", f"{s} AND NOT ({known})", .1, **tf),
               _level("same surname, elsewhere", f"{s} AND ({known})", .1, **tf),
               _level("same surname", s, 1e-4, tf_adjustment_column="last_name_std", u_probability=same_surname, fix_u_probability=True, fix_m_probability=True)]
    if at_parts:
        levels += [_level("similar surname, same address", f"{sim} AND ({at})", .03)]
        levels += [_level("other surname, same address", f"({at})", .03)]
    levels += [_level("similar surname", sim, .03), 
               _level("other surname, same place", f"({near})", .02), _level("other", "ELSE", .02)]
    return _comparison("household", *levels)


def birth_date() -> dict[str, Any]:
    l, r = "birth_date_l", "birth_date_r"
    return _comparison("birth_date", _null(_missing("birth_date")),
        _level("same", _both("birth_date"), .92),
        _level("one slip", f"damerau_levenshtein(CAST({l} AS VARCHAR), CAST({r} AS VARCHAR)) <= 1 OR (year({l}) = year({r}) AND month({l}) = day({r}) AND day({l}) = month({r}))", .06),
        _level("other", "ELSE", .02))


def email() -> dict[str, Any]:
    return _comparison("email", _null(_missing("email_std")),
        _level("same", _both("email_std"), .6),
        _level("same name at another domain", _both("email_local"), .08),
        _level("similar", _similar("email_std", .92), .05),
        _level("other", "ELSE", .27))


def phone() -> dict[str, Any]:
    return _comparison("phone", _null(_missing("phone_std")),
        _level("same", _both("phone_std"), .6),
        _level("other", "ELSE", .4))


BLOCKS = [
    ("email_std",), ("phone_std",), ("birth_date", "substr(first_name_std, 1, 1)"), ("birth_date", "substr(last_name_std, 1, 1)"),
    ("first_name_std", "last_name_std"), ("last_name_std", "postal_code_std", "substr(first_name_std, 1, 1)"), ("first_name_std", "postal_code_std"),
    ("street_std", "house_number", "substr(first_name_std, 1, 1)"), ("email_local",),
]
EM = [("email_std",), ("birth_date",), ("phone_std",), ("first_name_std", "last_name_std"), ("last_name_std", "postal_code_std")]
STRICT = [("email_std", "first_name_std"), ("phone_std", "first_name_std"), ("birth_date", "first_name_std", "last_name_std"), ("first_name_std", "last_name_std", "postal_code_std")]


def rule(parts, extra="") -> str:
    import re
    def side(p, s):
        m = re.fullmatch(r"substr\((\w+), 1, 1\)", p)
        return f"substr({s}.{m[1]}, 1, 1)" if m else f"{s}.{p}"
    return " AND ".join(f"{side(p,'l')} = {side(p,'r')}" for p in parts) + extra


def columns_of(parts):
    import re
    return [re.sub(r"substr\((\w+), 1, 1\)", r"\1", p) for p in parts]


def filled_columns(s: pl.DataFrame) -> set[str]:
    return {c for c in s.columns if c != "record_key" and s[c].null_count() <= s.height * (1 - FILLED_SHARE) and s[c].drop_nulls().n_unique() > 1}


def settings(s, filled):
    comps = []
    def same(c):
        n = s[c].drop_nulls().len()
        return float((s[c].drop_nulls().value_counts()["count"].cast(pl.Float64) / n).pow(2).sum())
    if "first_name_std" in filled: comps.append(first_name())
    if "last_name_std" in filled: comps.append(household(filled, same("last_name_std")))
    if "birth_date" in filled: comps.append(birth_date())
    if "email_std" in filled: comps.append(email())
    if "phone_std" in filled: comps.append(phone())
    return {"link_type": "dedupe_only", "unique_id_column_name": "record_key", "comparisons": comps,
        "blocking_rules_to_generate_predictions": [rule(b) for b in BLOCKS if set(columns_of(b)) <= filled],
        "retain_matching_columns": True, "retain_intermediate_calculation_columns": True, "em_convergence": 0.0001, "max_iterations": 50}


def linker(s, settings, threads, memory_limit=None):
    from splink import DuckDBAPI, Linker


    from personalization_pipeline.foundation.warehouse import scratch_connection
    api = DuckDBAPI(connection=scratch_connection(threads, memory_limit))
    return Linker(api.register(s.to_arrow()), settings, log_level="ERROR"), api


def term_frequencies(s, settings):
    cols = sorted({l["tf_adjustment_column"] for c in settings["comparisons"] for l in c["comparison_levels"] if "tf_adjustment_column" in l})
    out = {}
    for c in cols:
        counts = s[c].drop_nulls().value_counts().filter(pl.col("count") > 1).sort(c)
        out[c] = {"total": s[c].drop_nulls().len(), "counts": dict(counts.iter_rows())}
    return out


def train(standardised: pl.DataFrame, *, seed: int = 1, CORRECT=True, WITHOUT_TF=True, SMOOTH=20, FLOOR=8, verbose=False) -> dict[str, Any]:
    s = standardised.sort("record_key")
    filled = filled_columns(s)
    st = settings(s, filled)
    tf = term_frequencies(s, st)
    lk, api = linker(s, st, 1)
    strict = [rule(b) for b in STRICT if set(columns_of(b)) <= filled]
    lk.training.estimate_probability_two_random_records_match(strict, recall=0.8)
    lk.training.estimate_u_using_random_sampling(max_pairs=MAX_PAIRS + 1, seed=seed)
    from splink.internals.exceptions import EMTrainingException
    for b in EM:
        if set(columns_of(b)) <= filled:
            try:
                lk.training.estimate_parameters_using_expectation_maximisation(rule(b), estimate_without_term_frequencies=WITHOUT_TF, max_pairs=MAX_PAIRS)
            except EMTrainingException as e:
                if verbose: print("EM", b, e)
    trained = lk.misc.save_model_to_json()
    lam = trained["probability_two_random_records_match"]
    n = s.height; pairs = n * (n - 1) / 2
    lam = max(lam, 0.2 / n)
    matches = lam * pairs
    for got, want in zip(trained["comparisons"], st["comparisons"]):
        levels = [(g, w) for g, w in zip(got["comparison_levels"], want["comparison_levels"]) if not g.get("is_null_level")]
        total_w = sum(w["m_probability"] for g, w in levels)
        share = matches / (matches + SMOOTH)
        have = all(isinstance(g.get("m_probability"), float) for g, w in levels if not w.get("fix_m_probability"))
        for g, w in levels:
            prior = w["m_probability"] / total_w
            m = g.get("m_probability"); 
            if w.get("fix_m_probability"):
                g["m_probability"] = w["m_probability"]; g["u_probability"] = w["u_probability"]; continue
            if not isinstance(m, float): m = 0.0 if any(isinstance(x.get("m_probability"), float) for x, _ in levels) else prior
            g["m_probability"] = share * m + (1 - share) * prior
            u = g.get("u_probability"); u = u if isinstance(u, float) else 0.0
            u = max(u, 0.5 / min(pairs, MAX_PAIRS))
            if CORRECT:
                u = max((u - lam * g["m_probability"]) / (1 - lam), u / FLOOR, 0.5 / pairs)
            g["u_probability"] = u
    trained["probability_two_random_records_match"] = lam
    if verbose:
        print("lambda", lam, "prior bits", round(math.log2(lam), 1))
        for c in trained["comparisons"]:
            for l in c["comparison_levels"]:
                if not l.get("is_null_level"): print(f"  {c['output_column_name']:12s} {l['label_for_charts']:35s} m={l['m_probability']:.5f} u={l['u_probability']:.7f} w={math.log2(l['m_probability']/l['u_probability']):.2f}")
    trained.pop("linker_uid", None)
    return {"version": VERSION, "kind": "splink", "record_count": n, "settings": trained, "term_frequencies": tf}
