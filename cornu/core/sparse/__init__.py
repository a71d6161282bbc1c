"""Sparse arrays: recognition and conversion, ops that compute with them, and rows for programs."""
