"""Writes the models of scripts/old_models with a dialect, and what they compute.

    python -m scripts.dialect_files.write VERSION FOLDER

VERSION is 1.2.2, 2.2.4 or 2.3.1. `scripts.dialect_files.read` loads the files in the old version.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

from cornu import names
from cornu.dialects import keras1, keras2
from scripts.old_models import recording
from scripts.old_models.environments import ENVIRONMENTS

plain_set_random = recording.set_random


def set_random(variable, random, backend):
    """Sets a weight; counters of batch normalization are not weights in the old version."""
    if not variable.path.endswith("updates"):
        plain_set_random(variable, random, backend)


class Backend:
    """The part of `keras.backend` that cases use."""

    def __init__(self, module):
        self.backend = lambda: "jax"
        self.get_value, self.set_value = module.get_value, module.set_value
        self.int_shape = lambda tensor: tensor.shape


def main(version, folder):
    recording.set_random = set_random
    keras1.install() if version == "1.2.2" else keras2.install(version)
    keras = importlib.import_module("keras")
    written_as = "1.2.2" if version == "1.2.2" else "2.2.4"  # whose cases 2.3.1 has as well
    environment = ENVIRONMENTS[f"keras-{written_as}-tensorflow"]
    cases = environment.cases()
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    for name in environment.names(cases):
        names.reset()
        files, arrays = recording.record(cases[name], keras, Backend(keras.backend))
        for end, data in files.items():
            (out / (name + end)).write_bytes(data)
        np.savez(out / (name + ".npz"), **arrays)
        print(name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
