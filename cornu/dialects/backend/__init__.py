"""`keras.backend` of Keras 1 and 2: a symbolic backend on the graph of cornu.

`make_functions("keras1")` returns all functions of the backend of Keras 1 by name, with its
signatures. Expressions of placeholders, Variables and the Tensors of models are nodes of a graph;
`function(inputs, outputs, updates)` compiles and runs it. `signatures.py` is the table of
signatures, `bound.py` binds calls to it, and the other modules implement the functions once, with
the parameters of Keras 2.3.
"""

from cornu.dialects.backend.table import make_functions

__all__ = ["make_functions"]
