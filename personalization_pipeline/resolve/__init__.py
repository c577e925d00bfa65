"""Phase resolve: records become people with ids that last.

In       `contacts`, `consents`, facts.events (who used which browser), last night's tables of this phase, the identity
         artefact, corrections/links.csv, `identity` of project.yaml
Out      `standardised`, `standard_addresses`, `shared_values` (what is set aside), `compared_records`, `corrections`,
         `edges`, `edge_evidence` (in words, by `comparison_levels`), `inner_pairs`, `clusters`, `records` (the id map),
         `person_history`, `person_ids`, `former_ids`, `visitors`, `people_words`, `people_fields`, `people` (golden record),
         `households`, `identifiers`, `consent_state`, `reach`, `review_queue`,
         `increments` (what was done tonight), `identity_weights`, `weight_bands`, `identity_figures` (what the model says,
         and whether it is still right)
Promise  every record is in exactly one person; people's word is followed; an id is kept by the largest share of the
         records it came with, given back where they split off, never another's; an old id always resolves; what is done
         follows what is new, what comes of it does not: it equals a full rebuild; a value that too many share joins nobody,
         nor does a device; a merge alone never adds a grant
"""
