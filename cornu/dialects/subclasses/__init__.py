"""Classes that programs of Keras 1 and 2 derive from those of the library.

Layers with properties of today as attributes, recurrent layers that are defined by one step, and
optimizers with `get_updates`.
"""
