"""Phase activate: rules choose people, each person is dropped once for one reason, the rest is rendered with its proof.

In       `profiles`, `identifiers`, `consent_state`, `people`; the project's audiences/*.yaml and destinations/*.yaml
Out      `audience_plans`, `audience_candidates`, `holdout_arms`, `member_addresses`, `audience_waterfall`,
         `audience_members`, `audience_files`; files/<destination>/<audience>.csv, each with its manifest
Promise  no address leaves without every consent that its destination asks for; qualified = delivered + dropped, by
         reason; the same inputs give the same bytes; every file carries a certificate that anyone can verify offline
"""
