"""Layers for audio signals."""
