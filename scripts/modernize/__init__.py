"""Modernizes the example programs of Keras 1 and 2, and compares what they compute."""
