"""Runs programs of other people, unmodified, with the live old library and with the dialects."""
