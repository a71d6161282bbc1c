"""Loads files that a dialect wrote in the old version, and compares what the models compute.

    python -m scripts.dialect_files.read FOLDER

This runs in an environment in which `import keras` imports Keras 1.2.2, 2.2.4 or 2.3.1, on Python
3.7 or later. The differences are written to FOLDER/differences.json.
"""

import json
import os
import sys

import keras
import keras.backend
import keras.models
import numpy as np
import yaml

from scripts.old_models.recording import predict
from scripts.old_models.update_order import order_updates

plain_load = yaml.load


def load_yaml(text, Loader=None, **kwargs):  # noqa: N803
    """`yaml.load` as old versions of Keras call it."""
    return plain_load(text, Loader=yaml.SafeLoader)


def compare(folder, name, found):
    """Adds the largest differences of a model to a dict."""
    path = os.path.join(folder, name)
    stored = np.load(path + ".npz")

    def arrays(kind):
        count = sum(key.startswith(kind + "/") for key in stored.files)
        return [stored[f"{kind}/{i}"] for i in range(count)]

    def single(values):
        return values if len(values) > 1 else values[0]

    def difference(model, kind):
        outputs = predict(model, single(arrays("input")))
        pairs = zip(outputs, arrays(kind))  # noqa: B905
        return max(float(np.max(np.abs(own - other))) for own, other in pairs)

    model = keras.models.load_model(path + ".h5", custom_objects={"doubling": lambda x: x * 2 + 1})
    found["predictions"] = difference(model, "output")
    readers = {".json": keras.models.model_from_json, ".yaml": keras.models.model_from_yaml}
    for end, read in readers.items():
        if os.path.exists(path + end):
            with open(path + end) as stream:
                other = read(stream.read())
            other.load_weights(path + ".weights.h5")
            found[end[1:]] = difference(other, "output")
    if "losses" in stored.files:
        x, y = single(arrays("input")), single(arrays("target"))
        losses = [np.atleast_1d(model.train_on_batch(x, y))[0] for _ in stored["losses"]]
        found["losses"] = float(np.max(np.abs(np.array(losses) - stored["losses"])))
        found["trained"] = difference(model, "trained")


def main(folder):
    yaml.load = load_yaml
    order_updates()
    found = {}
    for name in sorted(file[:-4] for file in os.listdir(folder) if file.endswith(".npz")):
        keras.backend.clear_session()
        found[name] = {}
        try:
            compare(folder, name, found[name])
        except Exception as error:
            found[name]["error"] = type(error).__name__
        print(name, found[name], flush=True)
    with open(os.path.join(folder, "differences.json"), "w") as stream:
        json.dump({"version": keras.__version__, "cases": found}, stream, indent=1)


if __name__ == "__main__":
    main(sys.argv[1])
