"""One small model, trained from every kind of source: the same batches give the same weights."""

from __future__ import annotations

import datasets
import grain
import h5py
import jax.numpy as jnp
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import tensorflow as tf
import torch
from jax.experimental import sparse

import cornu
from cornu import Input, Model, layers
from tests.data.many import LABELS, WIDTHS, Batches, X
from tests.sampling import slow_except

BATCH = 8


def model(names=("x",)):
    cornu.utils.set_random_seed(7)
    inputs = [Input((3,) if names == ("x",) else (1,), name=name) for name in names]
    joined = inputs[0] if len(inputs) == 1 else layers.Concatenate()(inputs)
    made = Model(
        inputs if len(inputs) > 1 else inputs[0],
        layers.Dense(2, activation="softmax", name="kind")(layers.Dense(4)(joined)),
    )
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made


def trained(*data, names=("x",), **kwargs):
    made = model(names)
    kwargs = {"epochs": 2, "shuffle": False, "verbose": 0, **kwargs}
    logs = made.fit(*data, **kwargs).history
    assert len(logs["loss"]) == kwargs["epochs"] and np.isfinite(logs["loss"]).all()
    return made.get_weights()


def same(a, b):
    return all(np.allclose(p, q, rtol=1e-5, atol=1e-6) for p, q in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def expected():
    return trained(X, LABELS, batch_size=BATCH)


def in_batches():
    return [(X[i : i + BATCH], LABELS[i : i + BATCH]) for i in range(0, len(X), BATCH)]


class Again:
    """An iterable that can be read again and again."""

    def __init__(self, convert=np.asarray):
        self.convert = convert

    def __iter__(self):
        return ((self.convert(x), y) for x, y in in_batches())


def endless():
    while True:
        yield from in_batches()


def mapped(folder, array, name):
    np.save(folder / f"{name}.npy", array)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


def hdf5(folder, array):
    with h5py.File(folder / "x.h5", "w") as file:
        file["x"] = array
    return h5py.File(folder / "x.h5", "r")["x"]


# What is given to fit as x and y, with batch_size.
ROWS = {
    "numpy": lambda folder: (X, LABELS),
    "numpy, float64": lambda folder: (X.astype("float64"), LABELS.astype("int32")),
    "lists": lambda folder: (X.tolist(), LABELS.tolist()),
    "jax": lambda folder: (jnp.asarray(X), jnp.asarray(LABELS)),
    "dicts": lambda folder: ({"x": X}, {"kind": LABELS}),
    "memmap": lambda folder: (mapped(folder, X, "x"), mapped(folder, LABELS, "y")),
    "memmap, float64": lambda folder: (mapped(folder, X.astype("float64"), "x"), LABELS),
    "h5py": lambda folder: (hdf5(folder, X), LABELS),
    "scipy csr": lambda folder: (scipy.sparse.csr_matrix(X), LABELS),
    "scipy coo array": lambda folder: (scipy.sparse.coo_array(X), LABELS),
    "jax BCOO": lambda folder: (sparse.BCOO.fromdense(X, nse=X.size), LABELS),
    "jax BCOO, batched": lambda folder: (sparse.BCOO.fromdense(X, n_batch=1), LABELS),
    "jax BCSR": lambda folder: (sparse.BCSR.fromdense(X), LABELS),
    "torch tensors": lambda folder: (torch.tensor(X), torch.tensor(LABELS)),
    "tf tensors": lambda folder: (tf.constant(X), tf.constant(LABELS)),
    "tf sparse": lambda folder: (tf.sparse.from_dense(X), LABELS),
    "pandas": lambda folder: (pd.DataFrame(X, columns=WIDTHS), pd.Series(LABELS)),
    "pandas frame as y": lambda folder: (pd.DataFrame(X), pd.DataFrame({"kind": LABELS})),
    "pandas, arrow": lambda folder: (
        pd.DataFrame(X, columns=WIDTHS).astype("float[pyarrow]"),
        pd.Series(LABELS, dtype="int64[pyarrow]"),
    ),
    "pandas, nullable": lambda folder: (
        pd.DataFrame(X, columns=WIDTHS).convert_dtypes(),
        pd.Series(LABELS, dtype="Int64"),
    ),
    "pandas, y by name": lambda folder: (pd.DataFrame(X).assign(label=LABELS), "label"),
    "polars": lambda folder: (pl.DataFrame(X), pl.Series(LABELS)),
    "polars, lazy, y by name": lambda folder: (
        pl.DataFrame(X).with_columns(label=pl.Series(LABELS)).lazy(),
        "label",
    ),
    "datasets": lambda folder: (datasets.Dataset.from_dict({"x": X, "kind": LABELS}),),
    "datasets, numpy": lambda folder: (
        datasets.Dataset.from_dict({"x": X, "y": LABELS}).with_format("numpy"),
    ),
    "datasets, y by name": lambda folder: (
        datasets.Dataset.from_dict({"picture": X, "c": LABELS, "text": ["a"] * len(X)})
        .remove_columns("text")
        .with_format("torch"),
        "c",
    ),
    "datasets, columns": lambda folder: (
        (table := datasets.Dataset.from_dict({"x": X, "y": LABELS}))["x"],
        table["y"],
    ),
    "datasets, several columns": lambda folder: (
        datasets.Dataset.from_dict({**dict(zip(WIDTHS, X.T, strict=True)), "label": LABELS}),
    ),
    "datasets, transform": lambda folder: (
        datasets.Dataset.from_dict({"x": X, "y": LABELS}).with_transform(
            lambda rows: {"x": [np.float32(x) for x in rows["x"]], "label": rows["y"]}
        ),
    ),
    "datasets, iterable": lambda folder: (
        datasets.Dataset.from_dict({"x": X, "label": LABELS}).to_iterable_dataset(),
    ),
}

# What is given to fit as x alone.
STREAMS = {
    "iterable": lambda: Again(),
    "PyDataset": lambda: Batches(),
    "PyDataset, threads": lambda: Batches(workers=2),
    "list-like": lambda: _ListLike(),
    "scipy batches": lambda: Again(scipy.sparse.csr_matrix),
    "BCOO batches": lambda: Again(lambda x: sparse.BCOO.fromdense(x, nse=x.size)),
    "keras PyDataset": lambda: _of_keras(),
    "tf.data": lambda: tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(BATCH),
    "tf.data, dicts": lambda: tf.data.Dataset.from_tensor_slices({"x": X, "kind": LABELS}).batch(
        BATCH
    ),
    "torch DataLoader": lambda: torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(LABELS)), BATCH
    ),
    "torch DataLoader, dicts": lambda: torch.utils.data.DataLoader(
        [{"x": x, "kind": y} for x, y in zip(X, LABELS, strict=True)], BATCH
    ),
    "grain MapDataset": lambda: _grain(),
    "grain IterDataset": lambda: _grain().to_iter_dataset(),
    "grain DataLoader": lambda: grain.DataLoader(
        data_source=[*zip(X, LABELS, strict=True)],
        sampler=grain.samplers.SequentialSampler(len(X), grain.sharding.NoSharding()),
        operations=[grain.transforms.Batch(BATCH)],
    ),
    "datasets with_format, batched by torch": lambda: torch.utils.data.DataLoader(
        datasets.Dataset.from_dict({"x": X, "y": LABELS}).with_format("torch"), BATCH
    ),
}


class _ListLike:
    def __len__(self):
        return len(in_batches())

    def __getitem__(self, index):
        return in_batches()[index]


def _of_keras():
    import keras

    class Batches(keras.utils.PyDataset):
        __len__ = _ListLike.__len__
        __getitem__ = _ListLike.__getitem__

    return Batches(workers=2)


def _grain():
    rows = grain.MapDataset.source([*zip(X, LABELS, strict=True)])
    return rows.batch(BATCH)


# One of each library.
ALWAYS_ROWS = [
    *("numpy", "lists", "jax", "dicts", "memmap", "h5py", "scipy csr", "jax BCOO"),
    *("torch tensors", "tf tensors", "pandas, y by name", "polars", "datasets"),
]
ALWAYS_STREAMS = [
    *("iterable", "PyDataset, threads", "list-like", "tf.data", "torch DataLoader"),
    "grain MapDataset",
]


@pytest.mark.parametrize("name", slow_except(ROWS, ALWAYS_ROWS))
def test_rows(name, tmp_path, expected):
    assert same(trained(*ROWS[name](tmp_path), batch_size=BATCH), expected)


@pytest.mark.parametrize("name", slow_except(STREAMS, ALWAYS_STREAMS))
def test_streams(name, expected):
    assert same(trained(STREAMS[name]()), expected)


class Written(cornu.Model):
    """A model without functional graph, which is built for the first data that it sees."""

    def __init__(self):
        super().__init__()
        self.head = layers.Dense(2, "softmax", kernel_initializer="ones")

    def call(self, x):
        return self.head(x)


def deferred():
    return cornu.Sequential([layers.Dense(2, "softmax", kernel_initializer="ones")])


def unbuilt(make):
    made = make()
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made


# Columns that are matched by name need names of inputs.
NAMELESS_ROWS = [n for n in ROWS if n[:8] not in ("dicts", "datasets") and n[-4:] != "name"]
NAMELESS_STREAMS = [name for name in STREAMS if "dicts" not in name and "datasets" not in name]
MODELS = {"written": Written, "deferred": deferred}


@pytest.mark.parametrize(
    "name", slow_except(NAMELESS_ROWS, ["numpy", "lists", "jax BCOO", "tf tensors", "pandas"])
)
def test_first_call_of_an_unbuilt_model_on_rows(name, tmp_path):
    x, y = ROWS[name](tmp_path)
    for make in MODELS.values():
        expected = unbuilt(make).predict(X)
        assert np.allclose(unbuilt(make).predict(x, batch_size=BATCH), expected)
        assert np.allclose(unbuilt(make).predict_on_batch(x), expected)
        loss = unbuilt(make).evaluate(x, y, verbose=0)
        assert np.allclose(loss, unbuilt(make).test_on_batch(x, y), rtol=1e-5)


@pytest.mark.parametrize("name", slow_except(NAMELESS_STREAMS, ["iterable", "tf.data"]))
def test_first_call_of_an_unbuilt_model_on_streams(name):
    for make in MODELS.values():
        assert np.allclose(unbuilt(make).predict(STREAMS[name]()), unbuilt(make).predict(X))
        loss = unbuilt(make).evaluate(STREAMS[name](), verbose=0)
        assert np.allclose(loss, unbuilt(make).evaluate(X, LABELS, verbose=0), rtol=1e-5)


def test_first_call_on_nested_inputs():
    class Sum(cornu.Model):
        def call(self, inputs):
            return sum(inputs.values() if isinstance(inputs, dict) else inputs)

    for x in ([X, X], (X.tolist(), X), {"a": X, "b": scipy.sparse.csr_matrix(X)}):
        assert np.allclose(Sum().predict(x), 2 * X)
        assert np.allclose(Sum().predict_on_batch(x), 2 * X)
    # An array alone in a list, as for a Sequential with an Input.
    assert np.allclose(deferred().predict([X]), deferred().predict(X))
    assert deferred()([X]).shape == (len(X), 2)
    with pytest.raises(ValueError, match="has one input; received a list of 2 arrays"):
        deferred().predict([X, X])
    with pytest.raises(ValueError, match="has one input; received a dict of 1 arrays"):
        deferred()({"x": X})


def test_predictions_are_writable():
    made = model()
    found = [made.predict(X), made.predict(X, batch_size=BATCH), made.predict_on_batch(X)]
    assert all(type(array) is np.ndarray and array.flags.writeable for array in found)


@pytest.mark.parametrize("name", ["pandas", "polars", "datasets"])
def test_columns_bind_to_inputs(name, expected):
    columns = dict(zip(WIDTHS, X.T, strict=True))
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "datasets": datasets.Dataset.from_dict}
    table = make[name]({"kind": LABELS, **columns, "other": LABELS})
    data = (table,) if name == "datasets" else (table, "kind")
    by_name = trained(*data, names=tuple(WIDTHS), batch_size=BATCH)
    assert same(by_name, trained(columns, LABELS, names=tuple(WIDTHS), batch_size=BATCH))


def test_generators_with_steps(expected):
    assert same(trained(endless(), steps_per_epoch=len(in_batches())), expected)
    one = trained(iter(in_batches()), epochs=1)
    assert same(one, trained(X, LABELS, batch_size=BATCH, epochs=1))


def test_worker_processes(expected):
    assert same(trained(Batches(workers=1, use_multiprocessing=True)), expected)


@pytest.mark.parametrize("name", slow_except(["memmap", "scipy csr", "datasets", "pandas"], 2))
def test_shuffled_rows_are_those_of_arrays(name, tmp_path):
    kwargs = {"batch_size": BATCH, "shuffle": True}
    assert same(trained(*ROWS[name](tmp_path), **kwargs), trained(X, LABELS, **kwargs))


VALIDATION = {
    "arrays": lambda folder: (X, LABELS),
    "memmap": lambda folder: (mapped(folder, X, "v"), LABELS),
    "frame": lambda folder: (pd.DataFrame(X).assign(label=LABELS), "label"),
    "datasets": lambda folder: datasets.Dataset.from_dict({"x": X, "y": LABELS}),
    "tf.data": lambda folder: STREAMS["tf.data"](),
    "torch": lambda folder: STREAMS["torch DataLoader"](),
    "grain": lambda folder: _grain(),
    "PyDataset": lambda folder: Batches(workers=2),
    "iterable": lambda folder: Again(),
}


@pytest.mark.parametrize("name", slow_except(VALIDATION, ["arrays", "frame", "torch", "PyDataset"]))
def test_validation_evaluate_and_predict(name, tmp_path):
    data = VALIDATION[name](tmp_path)
    parts = data if isinstance(data, tuple) else (data,)
    made = model()
    rows = name in ("arrays", "memmap", "frame", "datasets")
    batch_size = {"batch_size": BATCH} if rows else {}
    kwargs = {"validation_batch_size": BATCH} if rows else {}
    logs = made.fit(X, LABELS, epochs=2, validation_data=data, verbose=0, **kwargs).history
    found = made.evaluate(*parts, **batch_size, verbose=0)
    assert np.allclose([logs["val_loss"][-1], found], made.evaluate(X, LABELS, verbose=0), 1e-5)
    x = pd.DataFrame(X) if name == "frame" else parts[0]
    assert np.allclose(made.predict(x, **batch_size), made.predict(X), atol=1e-6)


def test_validation_split_of_all_that_has_rows(tmp_path):
    kwargs = {"batch_size": BATCH, "validation_split": 0.25}
    expected = trained(X, LABELS, **kwargs)
    for name in ("memmap", "h5py", "scipy csr", "pandas, y by name", "polars", "datasets", "jax"):
        assert same(trained(*ROWS[name](tmp_path), **kwargs), expected), name
    with pytest.raises(ValueError, match="validation_split needs arrays"):
        trained(Batches(), validation_split=0.25)


def test_train_on_batch_takes_rows_from_anywhere(tmp_path):
    first, second = model(), model()
    first.train_on_batch(X, LABELS)
    second.train_on_batch(scipy.sparse.csr_matrix(X), mapped(tmp_path, LABELS, "y"))
    assert same(first.get_weights(), second.get_weights())
    x = sparse.BCOO.fromdense(X)
    assert np.isclose(first.test_on_batch(X, LABELS), second.test_on_batch(x, LABELS))
    assert same([first.predict_on_batch(X)], [second.predict_on_batch(x)])
