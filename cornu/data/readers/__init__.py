"""Datasets read from files and folders: images, audio, text, time series."""
