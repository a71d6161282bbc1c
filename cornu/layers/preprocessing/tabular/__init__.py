"""Layers for columns of a table: lookup, hashing, discretization and normalization."""
