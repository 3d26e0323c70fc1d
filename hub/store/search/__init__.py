"""Search as SQL: a `Query` and who asks (`Sight`) become one statement for a page, one for a total.

INVARIANT: nothing is filtered afterwards. A condition, a sort value, a chain, an include counts only by index
rows that the asker sees, so pages are full, totals are right, and nothing can be inferred
(docs/consent.md, "Search"; https://hl7.org/fhir/R4/search.html).
"""
