"""Attention: averages of values, weighted by how well keys match queries."""
