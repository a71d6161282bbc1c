"""Pooling layers: over windows, global, and adaptive."""
