"""Computes the values of functions of `keras.backend` with an old version of Keras.

    python -m scripts.make_backend_reference keras1 tests/dialects/backend/keras1.npz

Runs in an environment with that version, on TensorFlow 1, which needs neither cornu nor JAX.
"""

import sys

import numpy as np
from keras import backend

from tests.dialects.backend.cases import compute

version, path = sys.argv[1:]
np.savez_compressed(path, **compute(backend, version))
