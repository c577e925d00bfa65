"""Phase segment: people get features and belong to named groups.

In       `people`, `reach`, `orders`, `order_lines`, `traits`; the project's features/*.sql and segments/*.yaml
Out      one table per file of features, `features` (one row per person), `segment_members`
Promise  a segment sees people and features only; rules are relative to as_of, never to the clock
"""
