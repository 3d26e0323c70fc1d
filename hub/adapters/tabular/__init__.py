"""CSV tables in a drop folder, in and out."""
