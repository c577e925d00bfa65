"""Phase analyze: features become scores, and everything that rules and analysts see meets in `profiles`.

In       `features`, `segment_members`, `orders`, `order_lines`, the score models (artefact)
Out      `rfm`, `purchase_summaries`, `models` (a card per model), `scores`, `cohorts`, `profiles`
Promise  scores are SQL over stored coefficients; a model that does not beat its plain baseline says so and the
         baseline is used; who may not be profiled is not scored; no direct identifier reaches `profiles`
"""
