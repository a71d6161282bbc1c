"""Layers for text."""
