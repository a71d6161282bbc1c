"""Bounding boxes: their formats, and what is computed from them."""
