"""Dialects: the APIs of older Keras versions, which construct ordinary objects of cornu."""
