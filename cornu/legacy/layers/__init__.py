"""Layers of old versions of Keras without an equal today."""
