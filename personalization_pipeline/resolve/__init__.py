"""Phase resolve: records become people with ids that last.

In       `contacts`, `consents`, last night's tables of this phase, the identity artefact, corrections/links.csv
Out      `standardised`, `standard_addresses`, `corrections`, `edges`, `clusters`, `records` (the id map), `person_history`,
         `person_ids`, `former_ids`, `people` (golden record), `identifiers`, `consent_state`, `reach`, `review_queue`,
         `increments` (what was done tonight)
Promise  every record is in exactly one person; people's word is followed; an id is kept by the largest share of the
         records it came with, given back where they split off, never another's; an old id always resolves; what is done follows what is new, what comes of it does not: it equals a full rebuild;
         a merge alone never adds a grant
"""
