"""Layers for images: resizing, color, geometry, augmentation policies."""
