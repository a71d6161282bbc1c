"""Models that old versions of Keras wrote, and what they computed.

The archives in `tests/saving/old_models` are described in its README.
"""

import io
import json
import warnings
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h5py
import numpy as np

import cornu
from cornu.legacy.source import judge_source

HERE = Path(__file__).parents[1] / "old_models"
ARCHIVES = sorted(path.stem for path in HERE.glob("*.zip"))

# What the program passes in place of code, by the name of the layer.
CUSTOM_OBJECTS = {"doubling": lambda x: x * 2 + 1}


@dataclass(frozen=True)
class OldModel:
    """A model in an archive.

    Attributes:
        archive: the version of Keras and the backend.
        name: the name of the case.
        version, backend: the version of Keras and its backend.
        reference: what the old Keras computed, by name.
    """

    archive: str
    name: str
    version: str
    backend: str
    reference: dict[str, np.ndarray]

    def file(self, end):
        with zipfile.ZipFile(HERE / f"{self.archive}.zip") as archive:
            return archive.read(self.name + end)

    def has(self, end):
        with zipfile.ZipFile(HERE / f"{self.archive}.zip") as archive:
            return self.name + end in archive.namelist()

    def arrays(self, kind):
        count = sum(name.startswith(f"{kind}/") for name in self.reference)
        return [self.reference[f"{kind}/{i}"] for i in range(count)]

    @property
    def is_compiled(self):
        return "losses" in self.reference


@cache
def models(archive):
    """Returns the models of an archive."""
    with zipfile.ZipFile(HERE / f"{archive}.zip") as files:
        about = json.loads(files.read("about.json"))
        arrays = dict(np.load(io.BytesIO(files.read("reference.npz"))))
    found = []
    for case in about["cases"]:
        own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(f"{case}/")}
        found.append(OldModel(archive, case, about["version"], about["backend"], own))
    return found


def load(old, folder, **kwargs):
    """Returns the model of today for a whole model."""
    path = folder / f"{old.name}.h5"
    path.write_bytes(old.file(".h5"))
    with warnings.catch_warnings():
        # Files of Keras 1 do not say which backend computed.
        warnings.filterwarnings("ignore", "(?s).*which backend of Keras wrote it")
        return cornu.models.load_model(path, CUSTOM_OBJECTS, **kwargs)


def output_difference(model, old, kind="output"):
    """Returns the largest difference of the predictions from those of the old Keras."""
    x = old.arrays("input")
    outputs = model.predict(x if len(x) > 1 else x[0], batch_size=len(x[0]), verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    pairs = zip(outputs, old.arrays(kind), strict=True)
    return max(float(np.max(np.abs(own - other))) for own, other in pairs)


def training_difference(model, old):
    """Trains for three steps; returns the largest difference of losses and then of predictions."""
    x, y = old.arrays("input"), old.arrays("target")
    losses = [
        np.atleast_1d(model.train_on_batch(x if len(x) > 1 else x[0], y if len(y) > 1 else y[0]))[0]
        for _ in old.reference["losses"]
    ]
    difference = float(np.max(np.abs(np.array(losses) - old.reference["losses"])))
    return max(difference, output_difference(model, old, "trained"))


def judged_source(old):
    """Returns what the file would be taken for if it did not state its version."""
    with h5py.File(io.BytesIO(old.file(".h5"))) as file:
        config = file.attrs["model_config"]
        names = []
        file["model_weights"].visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
        )
    return judge_source(json.loads(config), names)
