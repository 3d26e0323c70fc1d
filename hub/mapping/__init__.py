"""The interpreter of the files in `mappings/`. Pure: no I/O, no clock."""
