"""Runs programs of Keras 1 and 2 with the live old library and with the dialect, and compares."""
