"""Keras 1.2.2: its modules, signatures, argument values and numerics, on objects of cornu.

`python -m cornu run --as keras1 program.py` runs an unmodified program. `load()` returns the module
tree, and `install()` makes it importable as `keras`. `layer_table.py` maps the old layers,
`class_mapping.py` the names of their arguments, `argument_values.py` the names of initializers,
activations and so on, and `module_tree.py` the old import paths.
"""

from cornu.dialects.keras1.module_tree import install, load

__all__ = ["install", "load"]
