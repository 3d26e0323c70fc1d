"""One folder for each kind of counterpart; `sdk/` is what an adapter is written against."""
