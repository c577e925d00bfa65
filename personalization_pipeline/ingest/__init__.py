"""Phase ingest: landed files become typed facts, and nothing is lost.

In       landing/ (files of any source that the project declares), the project's sources/*.yaml
Out      facts/<key>/ per landed file, once for ever; tables `files`, `rejects`, `contacts`, `consents`, `traits`,
         `products`, `reference`; the relations facts.<entity> that later phases read
Promise  in = kept + rejected + duplicate + superseded + not_yet for every file; a bad file or source never stops the
         others; the same bytes under the same mapping are read once; what is dated after as_of stays unseen
"""
