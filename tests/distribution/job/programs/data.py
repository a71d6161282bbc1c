"""Trains one model on all kinds of data, in one or several processes; see `test_data.py`.

Run as `data.py FOLDER KIND...`; each process writes `FOLDER/INDEX.json`.
"""

import json
import sys
from pathlib import Path

import jax
import numpy as np

import cornu as keras

ROWS, SIZE = 70, 16  # the last batch has 6 rows

UNSEEDED = "torch without a seed"

numbers = np.random.default_rng(0)
x = numbers.normal(size=(ROWS, 8)).astype("float32")
y = (x.sum(1, keepdims=True) > 0).astype("float32")
w = numbers.uniform(0.5, 2.0, size=ROWS).astype("float32")


def batches():
    for start in range(0, ROWS, SIZE):
        yield x[start : start + SIZE], y[start : start + SIZE]


class Batches:
    def __iter__(self):
        return batches()


class Numbered(keras.utils.PyDataset):
    def __len__(self):
        return -(-ROWS // SIZE)

    def __getitem__(self, number):
        rows = slice(number * SIZE, (number + 1) * SIZE)
        return x[rows], y[rows], w[rows]


def of_tensorflow():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(ROWS, seed=1).batch(SIZE)


def of_torch(seed=None):
    import torch

    if seed is not None:
        torch.manual_seed(seed)
    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    return torch.utils.data.DataLoader(data, batch_size=SIZE, shuffle=True)


def of_grain():
    import grain

    rows = [(x[i], y[i]) for i in range(ROWS)]
    return grain.MapDataset.source(rows).shuffle(seed=1).batch(SIZE)


def of_hugging_face():
    import datasets

    return datasets.Dataset.from_dict({"x": x, "y": y}).with_format("numpy")


def of_pandas():
    import pandas

    return pandas.DataFrame(x)


# Each kind: the arguments of `fit`.
KINDS = {
    "arrays": lambda: {"x": x, "y": y, "batch_size": SIZE, "validation_split": 0.2},
    "weighted": lambda: {
        "x": x,
        "y": y,
        "batch_size": SIZE,
        "sample_weight": w,
        "class_weight": {0: 1.0, 1: 3.0},
        "steps_per_epoch": 3,
    },
    "generator": lambda: {"x": batches(), "steps_per_epoch": 2},
    "iterable": lambda: {"x": Batches(), "validation_data": (x, y, w)},
    "numbered": lambda: {"x": Numbered(workers=2), "shuffle": True},
    "tf.data": lambda: {"x": of_tensorflow()},
    "torch": lambda: {"x": of_torch(seed=5)},
    "grain": lambda: {"x": of_grain()},
    "table": lambda: {"x": of_hugging_face(), "y": "y", "batch_size": SIZE},
    "frame": lambda: {"x": of_pandas(), "y": y, "batch_size": SIZE},
    # The order differs in each run, and is the same in all processes.
    UNSEEDED: lambda: {"x": of_torch()},
}


def main(folder, kinds):
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8,), name="x"),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
    found = {}
    for kind in kinds:
        if kind == UNSEEDED:
            found["methods"] = {
                "evaluate": list(map(float, model.evaluate(x, y, batch_size=SIZE, verbose=0))),
                "predict": model.predict(x, batch_size=SIZE, verbose=0).ravel().tolist(),
                "call": np.asarray(model(x[:5])).ravel().tolist(),
                "train_on_batch": [float(one) for one in model.train_on_batch(x[:7], y[:7])],
            }
        history = model.fit(**KINDS[kind](), epochs=2, verbose=0)
        found[kind] = {name: list(map(float, row)) for name, row in history.history.items()}
        found[kind]["weights"] = [float(np.abs(one).sum()) for one in model.get_weights()]
    Path(folder, f"{jax.process_index()}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or list(KINDS))
