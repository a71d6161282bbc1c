"""Keras 2 (2.2.4, 2.3.1 and tf.keras 2): its modules, signatures and numerics on objects of cornu.

`python -m cornu run --as keras2 program.py` runs an unmodified program. `load(version)` returns the
module tree, and `install(version)` makes it importable as `keras`. The names of Keras 2.2.4 are
attributes of this module, too: `import cornu.dialects.keras2 as keras`.
"""

from typing import Any

from cornu.dialects.keras2.implementation.module_tree import install, load

__all__ = ["install", "load"]


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(load(), name)
