"""Layers that turn raw data into numbers that a network can process."""
