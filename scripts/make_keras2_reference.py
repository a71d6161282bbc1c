"""Runs the cases of tests/dialects on Keras 2.2.4 or 2.3.1, and stores the results as references.

In an environment in which `import keras` imports that version, on TensorFlow 1.15:

    python scripts/make_keras2_reference.py
"""

import sys
import types
from pathlib import Path

import keras
import numpy as np
import tensorflow

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.dialects import keras2_cases  # noqa: E402
from tests.dialects.keras1_case import flattened  # noqa: E402


def assign_after_all_reads():
    """Lets a step assign new values after all of them have been computed.

    TensorFlow 1 does not order the assignments of a step and the reads of the same Variables, so
    that the numbers differ from run to run.
    """
    K = keras.backend
    # Metrics of Keras 2.3 pass what they assign to `control_dependencies`.
    for name in ("keras.metrics", "keras.utils.metrics_utils"):
        if hasattr(sys.modules.get(name), "K"):
            sys.modules[name].K = types.SimpleNamespace(**vars(K))
    make = sys.modules["keras.backend.tensorflow_backend"].function

    def function(inputs, outputs, updates=None, **options):
        updates = list(updates or [])
        pairs = [one for one in updates if isinstance(one, tuple)]
        others = [one for one in updates if not isinstance(one, tuple)]
        with tensorflow.control_dependencies([new for _, new in pairs] + list(outputs)):
            others += [tensorflow.assign(variable, new) for variable, new in pairs]
        return make(inputs, outputs, updates=others, **options)

    K.function = function
    for owner in (K, sys.modules["keras.backend.tensorflow_backend"]):
        owner.update = lambda x, new_x: (x, new_x)
        owner.update_add = lambda x, increment: (x, x + increment)
        owner.update_sub = lambda x, decrement: (x, x - decrement)


def main():
    assign_after_all_reads()
    numbers = {}
    for name, function in keras2_cases.of_version(keras.__version__).items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        print(name, flush=True)
        np.random.seed(1)
        for part, value in flattened(function(keras)).items():
            numbers[name + "/" + part] = value.astype("float32")
    path = ROOT / f"tests/dialects/keras{keras.__version__}_reference.npz"
    if sys.argv[1:]:  # the other cases stay as they are
        with np.load(path) as stored:
            numbers = {**stored, **numbers}
    np.savez_compressed(path, **numbers)


if __name__ == "__main__":
    main()
