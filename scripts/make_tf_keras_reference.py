"""Writes the numbers of tf_keras for the tests of the dialect.

Run in an environment with TensorFlow and tf_keras:

    python -m scripts.make_tf_keras_reference tests/dialects/tf_keras_reference.npz
"""

import sys

import numpy as np
import tf_keras

from tests.dialects.tf_keras_cases import CASES

if __name__ == "__main__":
    found = {}
    for run, *arguments in CASES.values():
        found |= run(tf_keras, *arguments)
    np.savez_compressed(sys.argv[1], **{k: v.astype("float32") for k, v in found.items()})
