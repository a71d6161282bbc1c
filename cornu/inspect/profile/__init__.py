"""Costs counted by tracing, and times measured, for each layer and block of a model."""
