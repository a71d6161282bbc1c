"""Runs packages and programs that import Keras on cornu.

`install_as_keras()` makes `import keras` import cornu. `public_paths.py` lists the modules of the
public API of Keras, `private_paths.py` the private paths that packages import, each with the object
of cornu that it stands for. `doctor.py` lists the private paths that an installed package imports.
"""

from cornu.compat.finder import install_as_keras

__all__ = ["install_as_keras"]
