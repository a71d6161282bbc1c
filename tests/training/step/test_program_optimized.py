"""Training gives the same numbers however XLA compiles it.

The fast tests are compiled with few of XLA's optimizations, as conftest.py says. Here models of
many kinds of layers train in a process with all of them.
"""

import json

import numpy as np

import cornu
from cornu import layers
from tests.processes import environment_without, run_program

PROGRAM = """
import json, os
from tests.training.step import test_program_optimized
print(json.dumps([os.environ.get("XLA_FLAGS"), test_program_optimized.train()]))
"""


def train() -> dict[str, list[float]]:
    """Returns the metrics of each epoch of a model with an image, tokens and numbers as inputs."""
    cornu.utils.set_random_seed(2)
    image = layers.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="gelu")(image))
    pooled = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(x))
    tokens = layers.Input((6,), dtype="int32")
    x = layers.Embedding(11, 8, mask_zero=True)(tokens)
    attended = layers.MultiHeadAttention(2, 4, dropout=0.1, use_bias=False)(x, x)
    x = layers.LSTM(5, use_bias=False)(layers.LayerNormalization()(attended))
    numbers = layers.Input((4,))
    x = layers.Concatenate()([pooled, x, numbers])
    outputs = layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(x))
    model = cornu.Model([image, tokens, numbers], outputs)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])

    rng = np.random.default_rng(3)
    arrays = rng.normal(size=(20, 8, 8, 3)), rng.integers(0, 11, (20, 6)), rng.normal(size=(20, 4))
    targets = np.eye(3)[rng.integers(0, 3, 20)]
    return model.fit(list(arrays), targets, batch_size=8, epochs=3, verbose=0).history


def test_a_program_with_all_optimizations_gives_the_same_numbers():
    env = environment_without(["XLA_FLAGS"])
    flags, optimized = json.loads(run_program(PROGRAM, env=env).stdout)
    assert flags is None
    found = train()
    assert found.keys() == optimized.keys() and len(found["loss"]) == 3
    for name, values in found.items():
        np.testing.assert_allclose(values, optimized[name], 1e-4, err_msg=name)
