"""Keras 1.2.2: its module tree, signatures, values and numerics, building objects of cornu.

`python -m cornu run --as keras1 program.py` runs an unmodified program; `load()` gives the tree
to look at, `install()` makes it what `import keras` finds.
"""

from cornu.dialects.keras1.module_tree import install, load

__all__ = ["install", "load"]
