"""Layers that convert raw data to numeric arrays."""
