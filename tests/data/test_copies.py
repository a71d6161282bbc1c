"""Batches of every source reach the compiled step without a copy on the host."""

from __future__ import annotations

import numpy as np
import pytest

import cornu
from cornu.training.step.program import Forward, Program

ROWS, COUNT = 4, 3


class Numbered(cornu.utils.PyDataset):
    """Batches by index, which are computed in this thread or in others."""

    def __init__(self, batches, **kwargs):
        super().__init__(**kwargs)
        self._batches = batches

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        return self._batches[index]


def torch_tensors(batches):
    torch = pytest.importorskip("torch")
    return [tuple(map(torch.from_numpy, batch)) for batch in batches]


def torch_loader(batches):
    data = pytest.importorskip("torch.utils.data")
    return data.DataLoader(torch_tensors(batches), batch_size=None)


def tensorflow_tensors(batches):
    tf = pytest.importorskip("tensorflow")
    return [tuple(map(tf.constant, batch)) for batch in batches]


def grain_dataset(batches):
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source(batches)


# From a list of batches, an iterable over them or over tensors with the same memory.
SOURCES = {
    "generator": iter,
    "iterable": lambda batches: (batch for batch in batches),
    "PyDataset": Numbered,
    "PyDataset with threads": lambda batches: Numbered(batches, workers=2),
    "tensors of torch": lambda batches: iter(torch_tensors(batches)),
    "DataLoader": torch_loader,
    "Grain": grain_dataset,
}


def make_batches(dtype="float32"):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(COUNT, ROWS, 5)).astype(dtype)
    y = rng.normal(size=(COUNT, ROWS, 1)).astype("float32")
    return list(zip(x, y, strict=True))


def make_model():
    model = cornu.Sequential([cornu.Input((5,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture
def dispatched(monkeypatch):
    """The batches that programs receive."""
    found = []

    def one(self, key, index, batch, rows=None, run=Program.one):
        found.append(batch)
        return run(self, key, index, batch, rows)

    def call(self, inputs, run=Forward.__call__):
        found.append((inputs, None, None))
        return run(self, inputs)

    monkeypatch.setattr(Program, "one", one)
    monkeypatch.setattr(Forward, "__call__", call)
    return found


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_batches_are_not_copied(model, dispatched, source, method):
    batches = make_batches()
    options = {"fit": {"shuffle": False, "steps_per_epoch": COUNT}}
    getattr(model, method)(source(batches), verbose=0, **options.get(method, {"steps": COUNT}))
    assert len(dispatched) == COUNT
    for (x, y), (found_x, found_y, _) in zip(batches, dispatched, strict=True):
        assert np.shares_memory(x, found_x) and found_x.dtype == x.dtype
        assert found_y is None or np.shares_memory(y, found_y)


def test_tensors_of_tensorflow_are_not_copied(model, dispatched):
    tensors = tensorflow_tensors(make_batches())
    model.fit(iter(tensors), steps_per_epoch=COUNT, verbose=0)
    for tensor, found in zip(tensors, dispatched, strict=True):
        for part, array in zip(tensor, found, strict=False):
            assert np.shares_memory(np.asarray(part), array)


def test_rows_of_arrays_are_copied_only_if_they_are_shuffled(dispatched):
    # Steps with convolutions read their batches from the host.
    x = np.random.default_rng(0).normal(size=(8, 4, 4, 1)).astype("float32")
    inputs = cornu.Input((4, 4, 1))
    outputs = cornu.layers.Flatten()(cornu.layers.Conv2D(1, 2)(inputs))
    model = cornu.Model(inputs, cornu.layers.Dense(1)(outputs))
    model.compile("sgd", "mse")
    for shuffle in (False, True):
        dispatched.clear()
        model.fit(x, np.zeros((8, 1), "float32"), batch_size=4, shuffle=shuffle, verbose=0)
        assert [np.shares_memory(x, batch[0]) for batch in dispatched] == [not shuffle] * 2


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "float16"])
def test_only_arrays_with_dtypes_of_64_bits_are_converted(dispatched, dtype):
    batches = make_batches(dtype)
    make_model().fit(iter(batches), steps_per_epoch=COUNT, verbose=0)
    for (x, _), (found, _, _) in zip(batches, dispatched, strict=True):
        assert np.shares_memory(x, found) == (dtype != "float64")
