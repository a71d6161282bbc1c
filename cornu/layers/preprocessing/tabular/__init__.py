"""Layers for columns of a table: lookup, hashing, bins, normalization."""
