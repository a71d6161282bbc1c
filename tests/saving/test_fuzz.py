"""Damaged files load or raise a ValueError.

The damage is the same in each run. `CORNU_FUZZ=10000` does more of it.
"""

import json
import os
import random
import warnings
import zipfile

import pytest

import cornu
from cornu import layers
from cornu.models import load_model
from tests.attacks.damages import DAMAGES, damage_config
from tests.sampling import slow_except
from tests.saving.models import floats
from tests.saving.watch import nothing_but

# The first quarter of them in `make test`, all in `make test-slow`.
ROUNDS = int(os.environ.get("CORNU_FUZZ", "120"))


def model():
    inputs = cornu.Input((4,))
    x = layers.Dense(3, activation="relu", kernel_regularizer="l2")(inputs)
    x = layers.Dropout(0.5)(x[:, :2] + 1.0)
    made = cornu.Model(inputs, layers.Dense(2)(x))
    made.compile("adam", "mse", metrics=["mae"])
    return made


def attempt(read, path):
    """Returns whether a damaged file was read."""
    with nothing_but(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(path)
        except (ValueError, FileNotFoundError):
            return False
    return True


@pytest.mark.parametrize(
    "ending", [".weights.h5", ".safetensors", ".npz", ".keras", ".tensors.keras"]
)
@pytest.mark.parametrize("rounds", slow_except([ROUNDS // 4, ROUNDS], 1))
def test_damaged_bytes(ending, rounds, tmp_path):
    made, path = model(), tmp_path / f"model{ending}"
    made.fit(floats(4, 4), floats(4, 2), verbose=0)
    if ending.endswith(".keras"):
        made.save(path, weights_format="h5" if ending == ".keras" else "safetensors")
    else:
        made.save_weights(path)
    good = path.read_bytes()
    read = load_model if ending.endswith(".keras") else made.load_weights
    read(path)
    read_again = 0
    for i in range(rounds):
        rng = random.Random(f"{ending} {i}")
        path.write_bytes(rng.choice(DAMAGES)(bytearray(good), rng))
        read_again += attempt(read, path)
    # Checksums find all damage to members of zip files; what is read is damaged elsewhere.
    assert read_again < rounds


@pytest.mark.parametrize("rounds", slow_except([ROUNDS // 4, ROUNDS], 1))
def test_damage_inside_a_whole_archive(rounds, tmp_path):
    """The archive's checksums are right, so that the damage reaches the next reader."""
    made, inner, path = model(), tmp_path / "inner.weights.h5", tmp_path / "model.keras"
    made.save_weights(inner)
    good = inner.read_bytes()
    for i in range(rounds):
        rng = random.Random(f"inside {i}")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", made.to_json())
            archive.writestr("model.weights.h5", rng.choice(DAMAGES)(bytearray(good), rng))
        attempt(load_model, path)


@pytest.mark.parametrize("rounds", slow_except([ROUNDS // 4, ROUNDS], 1))
def test_damaged_configs(rounds, tmp_path):
    made, path = model(), tmp_path / "model.keras"
    made.fit(floats(4, 4), floats(4, 2), verbose=0)
    made.save(path)
    with zipfile.ZipFile(path) as archive:
        good, weights = archive.read("config.json"), archive.read("model.weights.h5")
    read_again = 0
    for i in range(3 * rounds):
        rng = random.Random(f"config {i}")
        config = damage_config(json.loads(good), rng)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", weights)
        read_again += attempt(load_model, path)
    assert 0 < read_again < 3 * rounds
