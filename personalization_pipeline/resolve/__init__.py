"""Phase resolve: records become people with ids that last.

In       `contacts`, `consents`, facts.orders / order_lines / events, last night's `records`, the identity artefact
Out      `standardised`, `edges`, `clusters`, `records` (the id map), `people` (golden record), `identifiers`,
         `consent_state`, `reach`, and `orders`, `order_lines`, `events` seen through the id map
Promise  every record is in exactly one person; an id is kept by the largest share of its records and never re-issued;
         a merge alone never adds a grant; money before the id map = money after it
"""
