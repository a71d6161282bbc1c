"""File formats, one per module; `table.py` picks the format by the suffix of a file name."""
