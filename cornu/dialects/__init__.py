"""Dialects: APIs of older Keras versions, implemented with objects of cornu."""
