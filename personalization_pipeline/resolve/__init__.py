"""Phase resolve: records become people with ids that last.

In       `contacts`, `consents`, last night's tables of this phase, the identity artefact
Out      `standardised`, `standard_addresses`, `edges`, `clusters`, `records` (the id map), `person_history`, `person_ids`,
         `people` (golden record), `identifiers`, `consent_state`, `reach`, `increments` (what was done tonight)
Promise  every record is in exactly one person; an id is kept by the largest share of its records and never re-issued;
         an old id always resolves; what is done follows what is new, what comes of it does not: it equals a full rebuild;
         a merge alone never adds a grant
"""
