"""Layers that reshape, pad, crop or upsample."""
