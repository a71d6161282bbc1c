"""Helpers for tests of malicious files: files with any content, and the check for rejection."""

import io
import json
import marshal
import zipfile

import h5py
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving.storage_keys import collect_weights_by_key
from tests.saving.watch import nothing_but

MALICIOUS = "print(open('/etc/passwd').read())"
CODE = marshal.dumps(compile(MALICIOUS, "<evil>", "exec"))


def model():
    return cornu.Sequential([cornu.Input((4,)), layers.Dense(2), layers.ReLU()])


def config_of(made):
    return json.loads(made.to_json())


def archive(path, config, weights=None, **members):
    if weights is None:
        weights = h5(collect_weights_by_key(model()))
    with zipfile.ZipFile(path, "w") as file:
        text = config if isinstance(config, (str, bytes)) else json.dumps(config)
        for name, data in {"config.json": text, "model.weights.h5": weights, **members}.items():
            file.writestr(name, data)
    return path


def h5(arrays):
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        for name, array in arrays.items():
            file[name] = np.asarray(array)
    return target.getvalue()


def assert_rejected(read, path, message=None):
    with nothing_but(path), pytest.raises(ValueError, match=message) as caught:
        read(path)
    return caught
