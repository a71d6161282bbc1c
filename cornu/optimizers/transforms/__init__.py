"""Transformations of gradients and Variables that surround the update rule of an optimizer."""
