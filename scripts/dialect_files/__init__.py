"""Loads the files that the dialects write with the running old versions of Keras."""
