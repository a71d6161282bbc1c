"""Gives each process its part of the data, and different data by mistake; see `test_data.py`.

Run as `parts.py FOLDER`; each process writes `FOLDER/INDEX.json`.
"""

import json
import sys
from pathlib import Path

import jax
import numpy as np

import cornu as keras

mine, count = jax.process_index(), jax.process_count()
numbers = np.random.default_rng(0)
x = numbers.normal(size=(48, 8)).astype("float32")
y = x.sum(1, keepdims=True)
# Batch k of all processes together consists of their batches k, one after the other.
own = np.arange(48).reshape(-1, count, 16 // count)[:, mine].ravel()


def train(x, y, size, distribution):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile("adam", "mse", distribution=distribution)
    history = model.fit(x, y, batch_size=size, epochs=2, shuffle=False, verbose=0)
    return {"losses": history.history["loss"], "weights": model.get_weights()[0].tolist()}


found = {"whole": train(x, y, 16, "data" if count > 1 else None)}
if count > 1:
    parts = keras.distribution.DataParallel(auto_shard_dataset=False)
    found["parts"] = train(x[own], y[own], 16 // count, parts)
    found["sharded"] = train(x, y, 16, "fsdp")
    for name, arguments in {
        "other data": (x[own], y[own], 16, "data"),
        "other number": (x[8 * mine :], y[8 * mine :], 16 // count, parts),
    }.items():
        try:
            train(*arguments)
        except ValueError as error:
            found[name] = str(error)
Path(sys.argv[1], f"{mine}.json").write_text(json.dumps(found))
