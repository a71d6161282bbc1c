"""Weights of other libraries, into a model and out of it, by names and with their layouts."""
