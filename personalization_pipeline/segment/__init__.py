"""Phase segment: what people did is theirs; they get features and belong to named groups.

In       `people`, `reach`, `records` (the id map), facts.orders / order_lines / events, `traits`; the project's
         features/*.sql and segments/*.yaml
Out      `orders`, `order_lines`, `events` seen through the id map; one table per file of features, `features` (one row per
         person), `segment_members`
Promise  money before the id map = money after it; a segment sees people and features only; rules are relative to as_of,
         never to the clock
"""
