"""Older Keras at the border: a dialect binds by its era's own words and builds core objects."""
