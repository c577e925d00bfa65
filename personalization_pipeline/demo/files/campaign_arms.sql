-- The randomised campaign's list: who was drawn into which arm, before it went out. Intention to treat: a treated person
-- without consent got nothing and still counts as treated.
SELECT
    TIMESTAMP '2026-04-13 16:00:00' AS arrived_at,
    shop_id AS customer_id,
    'spring_return' AS campaign,
    arm,
    '2026-04-13T16:00:00Z' AS assigned_at
FROM crowd
WHERE arm IN ('treated', 'holdout') AND shop_id IS NOT NULL
