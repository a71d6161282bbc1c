"""Measurements for docs/export_table.md: what was exported beside the model."""
