"""Recurrent layers: cells, the loop over time, and wrappers along the time axis."""
