"""Runs the cases of tests/dialects on Keras 1.2.2, and stores the results as references.

Keras 1.2.2 requires a TensorFlow that supports the API of version 1, and some names that Python and
NumPy have since removed. In an environment in which `import keras` imports Keras 1.2.2:

    python scripts/make_keras1_reference.py

The script also stores the signatures of the layers, optimizers and callbacks, against which the
tables of the dialect are tested.
"""

import inspect
import json
import sys
import types
from pathlib import Path

import keras
import keras.callbacks
import keras.constraints
import keras.initializations
import keras.layers
import keras.models
import keras.objectives
import keras.optimizers
import keras.regularizers
import numpy as np

ROOT = Path(__file__).parents[1]
HERE = ROOT / "tests" / "dialects"
sys.path.insert(0, str(ROOT))

from scripts.old_models.update_order import order_updates  # noqa: E402
from tests.dialects import keras1_further_cases as further  # noqa: E402
from tests.dialects import keras1_layer_cases as layers  # noqa: E402
from tests.dialects import keras1_optimizer_cases as optimizers  # noqa: E402
from tests.dialects import keras1_subclass_cases as subclasses  # noqa: E402
from tests.dialects import keras1_training_cases as training  # noqa: E402
from tests.dialects.keras1_case import flattened  # noqa: E402


def main() -> None:
    order_updates()
    assert keras.__version__ == "1.2.2", keras.__version__
    numbers = {}
    modules = (layers, training, further, subclasses, optimizers)
    tables = (*(module.CASES for module in modules), layers.RANDOM_CASES)
    cases = {name: function for table in tables for name, function in table.items()}
    for name, function in cases.items():
        print(name, flush=True)
        np.random.seed(1)
        result = function(keras)
        for part, value in flattened(result).items():
            numbers[f"{name}/{part}"] = value.astype("float32")
    np.savez_compressed(HERE / "keras1_reference.npz", **numbers)
    signatures = {
        name: signature(thing)
        for module in (keras.layers, keras.optimizers, keras.callbacks)
        for name, thing in sorted(vars(module).items())
        if inspect.isclass(thing) and thing.__module__.startswith("keras.")
    }
    text = json.dumps(signatures, indent=1, sort_keys=True)
    (HERE / "keras1_signatures.json").write_text(text + "\n")


def signature(cls: type) -> list:
    """Returns the parameters of a constructor: names, or pairs of a name and a default."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return [
        p.name if p.default is p.empty else [p.name, plain(p.default)]
        for p in parameters
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def plain(value: object) -> object:
    return value.__name__ if isinstance(value, types.FunctionType) else value


if __name__ == "__main__":
    main()
