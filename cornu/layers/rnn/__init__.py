"""Recurrent layers, their cells, and wrappers along the time axis."""
