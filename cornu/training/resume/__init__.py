"""Saving the state of training, and continuing from it."""
