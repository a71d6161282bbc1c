"""Packages built on Keras, run on Keras and on cornu."""
