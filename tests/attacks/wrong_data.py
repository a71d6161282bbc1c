"""Wrong and odd data: a product of faults, sources and methods, and the outcome of each.

A `Fault` changes clean data. It says what must happen: the data is refused, or it is taken as
other, clean data. A source passes the data to a method as arrays, or as batches of which one has
the fault. `run` calls the method and judges the outcome: data that must be refused is refused
before the step that would use it, by an error of Python that says what is wrong and what to do.
"""

from __future__ import annotations

import collections
import functools
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

import cornu
from cornu import Input, Model, layers

__all__ = ["Case", "Outcome", "cases", "main", "run"]

ROWS = 8  # of a batch
BATCHES = 3
RNG = np.random.default_rng(5)
PIXELS = RNG.normal(size=(BATCHES * ROWS, 4)).astype("float32")
LABELS = np.arange(BATCHES * ROWS) % 3
IDS = RNG.integers(0, 10, (BATCHES * ROWS, 5))
FIRST = slice(0, ROWS)


# ------------------------------------------------------------------------------------------ models


def _classes() -> Any:
    made = cornu.Sequential([Input((4,), name="pixels"), layers.Dense(3, "softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made, PIXELS, LABELS


def _one_hot() -> Any:
    made = cornu.Sequential([Input((4,), name="pixels"), layers.Dense(3, "softmax")])
    made.compile("sgd", "categorical_crossentropy")
    return made, PIXELS, np.eye(3, dtype="float32")[LABELS]


def _value() -> Any:
    # Small weights: the loss of large data stays finite.
    head = layers.Dense(1, kernel_initializer=cornu.initializers.Constant(1e-12))
    made = cornu.Sequential([Input((4,), name="pixels"), head])
    made.compile(cornu.optimizers.SGD(1e-30), "mae")
    return made, PIXELS, PIXELS.sum(1, keepdims=True)


def _binary() -> Any:
    made = cornu.Sequential([Input((4,), name="pixels"), layers.Dense(1, "sigmoid")])
    made.compile("sgd", "binary_crossentropy")
    return made, PIXELS, (LABELS > 0).astype("float32")[:, None]


def _ids() -> Any:
    ids = Input((5,), dtype="int32", name="ids")
    h = layers.Flatten()(layers.Embedding(10, 2, name="words")(ids))
    made = Model(ids, layers.Dense(1)(h))
    made.compile("sgd", "mse")
    return made, IDS, PIXELS.sum(1, keepdims=True)


def _pair() -> Any:
    a, b = Input((4,), name="a"), Input((5,), name="b")
    h = layers.Concatenate()([a, b])
    made = Model([a, b], [layers.Dense(1, name="u")(h), layers.Dense(3, "softmax", name="v")(h)])
    made.compile("sgd", {"u": "mse", "v": "sparse_categorical_crossentropy"})
    return made, (PIXELS, IDS.astype("float32")), (PIXELS.sum(1, keepdims=True), LABELS)


class _Written(Model):
    """A model without a functional graph."""

    def __init__(self) -> None:
        super().__init__()
        self.head = layers.Dense(3, "softmax")

    def call(self, x: Any) -> Any:
        return self.head(x)


def _written() -> Any:
    made = _Written()
    made.compile("sgd", "sparse_categorical_crossentropy")
    made(PIXELS[:1])
    return made, PIXELS, LABELS


_MODELS: dict[str, Callable[[], Any]] = {
    "classes": _classes,
    "one_hot": _one_hot,
    "value": _value,
    "binary": _binary,
    "ids": _ids,
    "pair": _pair,
    "written": _written,
}


@functools.cache
def _model(name: str) -> Any:
    made, x, y = _MODELS[name]()
    return made, x, y, made.get_weights()


# ------------------------------------------------------------------------------------------ faults


class Data(NamedTuple):
    """The data of one call, or of one batch."""

    x: Any
    y: Any
    weight: Any = None


@dataclass(frozen=True)
class Fault:
    """A change of clean data.

    Attributes:
        name: a short description.
        model: the name of the model that receives the data.
        part: the part of the data that is changed, "x", "y", "weight" or "batch".
        change: returns the changed part, or the changed batch.
        means: returns the part whose result the changed data must have; None if it must be refused.
        plain: whether the changed part is an array of numbers, which any source can hold.
        whole: whether the fault is one of all data rather than of some rows, so that a later batch
            has it only if it differs from the first.
        kwargs: further arguments of `fit`.
    """

    name: str
    model: str
    part: str
    change: Callable[[Any], Any]
    means: Callable[[Any], Any] | None = None
    plain: bool = True
    whole: bool = False
    kwargs: dict[str, Any] = field(default_factory=dict)

    def apply(self, data: Data) -> Any:
        """Returns data with the fault."""
        return self._with(data, self.change)

    def clean(self, data: Data) -> Any:
        """Returns the clean data that has the same meaning."""
        assert self.means is not None
        return self._with(data, self.means)

    def _with(self, data: Data, change: Callable[[Any], Any]) -> Any:
        if self.part == "batch":
            return change(data)
        value = getattr(data, self.part)
        if self.part == "weight" and value is None:
            value = np.ones(len(data.y), "float32")
        return data._replace(**{self.part: change(value)})


def _put(value: Any, dtype: Any = None, row: int = 3) -> Callable[[Any], Any]:
    """Returns a function that sets one value of an array."""

    def put(x: Any) -> Any:
        x = np.array(x, dtype)
        x[(row, *(0 for _ in x.shape[1:]))] = value
        return x

    return put


def _masked(x: Any) -> Any:
    return np.ma.masked_array(x, mask=_put(True, bool)(np.zeros(np.shape(x))))


def _objects(value: Any) -> Callable[[Any], Any]:
    return _put(value, object)


def _frame(x: Any, value: Any = None, kind: Any = None) -> Any:
    import pandas as pd

    frame = pd.DataFrame(np.asarray(x)).add_prefix("c")
    if kind is not None:
        frame["c0"] = kind(frame["c0"])
    return frame


def _frame_with(kind: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def change(x: Any) -> Any:
        import pandas as pd

        return _frame(x, kind=lambda column: kind(pd, column))

    return change


def _polars_with(kind: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def change(x: Any) -> Any:
        import polars as pl

        frame = pl.DataFrame(np.asarray(x), schema=[f"c{i}" for i in range(np.shape(x)[1])])
        return frame.with_columns(c0=kind(pl, frame["c0"]))

    return change


def _series(kind: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def change(y: Any) -> Any:
        import pandas as pd

        return kind(pd, np.asarray(y))

    return change


def _structured(x: Any) -> Any:
    made = np.zeros(len(x), [(f"f{i}", "f4") for i in range(4)])
    for i in range(4):
        made[f"f{i}"] = x[:, i]
    return made


def _same(x: Any) -> Any:
    return x


def _float(x: Any) -> Any:
    return np.asarray(x).astype("float32")


def _spaced(x: Any) -> Any:
    """Returns the same array with strides that are not contiguous, and negative."""
    wide = np.zeros((2 * len(x), *x.shape[1:]), x.dtype)
    wide[::-2] = x
    return wide[::-2]


def _read_only(x: Any) -> Any:
    x = np.array(x)
    x.flags.writeable = False
    return x


def _refused_values() -> Iterator[Fault]:
    for model in ("classes", "value", "written"):
        for name, value in (("NaN", np.nan), ("infinity", np.inf), ("-infinity", -np.inf)):
            yield Fault(f"{name} in x", model, "x", _put(value))
    yield Fault("NaN in x, float64", "classes", "x", _put(np.nan, "float64"))
    yield Fault("NaN in x, float16", "classes", "x", _put(np.nan, "float16"))
    yield Fault("NaN in x, bfloat16", "classes", "x", _put(np.nan, jnp.bfloat16))
    yield Fault("float64 beyond float32", "classes", "x", _put(1e300, "float64"))
    yield Fault("NaN in x of two inputs", "pair", "x", lambda x: (x[0], _put(np.nan)(x[1])))
    for model in ("one_hot", "value", "binary"):
        for name, value in (("NaN", np.nan), ("infinity", np.inf)):
            yield Fault(f"{name} in y", model, "y", _put(value))
    yield Fault("NaN in y, float64", "value", "y", _put(np.nan, "float64"))
    yield Fault("NaN in y of classes", "classes", "y", _put(np.nan, "float32"))
    yield Fault("float64 beyond float32 in y", "value", "y", _put(-1e300, "float64"))
    yield Fault("NaN in y of two outputs", "pair", "y", lambda y: (_put(np.nan)(y[0]), y[1]))
    for name, value in (("NaN", np.nan), ("infinity", np.inf), ("1e300", 1e300)):
        yield Fault(f"weight {name}", "value", "weight", _put(value, "float64"))
    # Labels and indices.
    for model in ("classes", "written"):
        for value in (3, 7, -1, 2**31, 2**32, 2**32 + 1, -(2**40), 2**62):
            yield Fault(f"label {value}", model, "y", _put(value, "int64"))
    yield Fault("label 2**63, uint64", "classes", "y", _put(2**63, "uint64"))
    yield Fault("label 1.5", "classes", "y", _put(1.5, "float32"))
    yield Fault("label 7 of two outputs", "pair", "y", lambda y: (y[0], _put(7)(y[1])))
    yield Fault("label 2 of a binary loss", "binary", "y", _put(2.0))
    yield Fault("label -1 of a binary loss", "binary", "y", _put(-1.0))
    yield Fault("label 2**32 + 1 of a binary loss", "binary", "y", _put(2**32 + 1, "int64"))
    for value in (10, 900, -1, 2**31, 2**32, 2**32 + 1, -(2**40)):
        yield Fault(f"index {value}", "ids", "x", _put(value, "int64"))
    yield Fault("index 2**63, uint64", "ids", "x", _put(2**63, "uint64"))
    yield Fault("index 0.5", "ids", "x", _put(0.5, "float32"))


def _refused_shapes() -> Iterator[Fault]:
    yield Fault("3 columns", "classes", "x", lambda x: x[:, :3], whole=True)
    yield Fault("5 columns", "classes", "x", lambda x: np.pad(x, ((0, 0), (0, 1))), whole=True)
    yield Fault("no axis of features", "classes", "x", lambda x: x[:, 0], whole=True)
    yield Fault("two more axes", "classes", "x", lambda x: x[:, :, None, None], whole=True)
    yield Fault("transposed", "classes", "x", lambda x: x.T, whole=True)
    yield Fault("fewer rows in x", "classes", "x", lambda x: x[:5], whole=True)
    yield Fault("fewer rows in y", "classes", "y", lambda y: y[:5], whole=True)
    yield Fault("fewer weights", "classes", "weight", lambda w: w[:5], whole=True)
    yield Fault("0 rows", "classes", "batch", lambda d: Data(d.x[:0], d.y[:0]), whole=True)
    yield Fault("0 rows in y", "classes", "y", lambda y: y[:0], whole=True)
    yield Fault("0 columns", "classes", "x", lambda x: x[:, :0], whole=True)
    yield Fault("a scalar as x", "classes", "x", lambda x: 3.0, whole=True, plain=False)
    yield Fault("a scalar as y", "value", "y", lambda y: 3.0, whole=True, plain=False)
    yield Fault("a scalar as weight", "value", "weight", lambda w: 2.0, whole=True, plain=False)
    yield Fault("one-hot labels", "classes", "y", lambda y: np.eye(3)[y], whole=True)
    yield Fault("labels instead of one-hot", "one_hot", "y", lambda y: y.argmax(1), whole=True)
    yield Fault("y of two columns", "value", "y", lambda y: np.repeat(y, 2, 1), whole=True)
    yield Fault("y of more axes", "value", "y", lambda y: y[:, :, None, None], whole=True)
    yield Fault(
        "weights of more axes", "value", "weight", lambda w: np.ones((len(w), 3, 2)), whole=True
    )
    yield Fault("no y", "classes", "y", lambda y: None, whole=True, plain=False)
    yield Fault("no x", "classes", "x", lambda x: None, whole=True, plain=False)
    yield Fault("one of two inputs", "pair", "x", lambda x: x[0], whole=True)
    yield Fault("three of two inputs", "pair", "x", lambda x: (*x, x[0]), whole=True)
    yield Fault("inputs in the wrong order", "pair", "x", lambda x: x[::-1], whole=True)
    yield Fault(
        "one of two inputs None", "pair", "x", lambda x: (x[0], None), whole=True, plain=False
    )
    yield Fault(
        "a wrong name of an input", "pair", "x", lambda x: {"a": x[0], "c": x[1]}, whole=True
    )
    yield Fault("one of two targets", "pair", "y", lambda y: y[0], whole=True)
    yield Fault(
        "one of two targets None", "pair", "y", lambda y: (None, y[1]), whole=True, plain=False
    )
    yield Fault("three of two targets", "pair", "y", lambda y: (*y, y[0]), whole=True)
    yield Fault("targets in the wrong order", "pair", "y", lambda y: y[::-1], whole=True)
    yield Fault(
        "a wrong name of an output", "pair", "y", lambda y: {"u": y[0], "w": y[1]}, whole=True
    )


def _refused_kinds() -> Iterator[Fault]:
    def kind(
        name: str, change: Callable[[Any], Any], part: str = "x", model: str = "classes"
    ) -> Fault:
        return Fault(name, model, part, change, plain=False, whole=True)

    yield kind("texts", lambda x: np.full(x.shape, "a"))
    yield kind("bytes in an array", lambda x: np.full(x.shape, b"a"))
    yield kind("times", lambda x: np.zeros(x.shape, "M8[s]"))
    yield kind("durations", lambda x: np.zeros(x.shape, "m8[s]"))
    yield kind("None in an array", _objects(None))
    yield kind("a text in an array", _objects("a"))
    yield kind("a dict in an array", _objects({}))
    yield kind("integers beyond 64 bits", lambda x: [[2**70] * 4] * len(x))
    yield kind("objects that are numbers", lambda x: x.astype(object))
    yield kind("a frame of objects", _frame_with(lambda pd, c: c.astype(object)))
    yield kind("a structured array", _structured)
    yield kind("masked values", _masked)
    yield kind("masked values in y", _masked, "y", "value")
    yield kind("masked weights", _masked, "weight", "value")
    yield kind("complex x", lambda x: x.astype("complex64"))
    yield kind("complex x, 128 bits", lambda x: x + 1j * x)
    yield kind("complex y", lambda y: y.astype("complex64"), "y", "value")
    yield kind("complex weights", lambda w: w + 1j, "weight", "value")
    yield kind("a set", lambda x: {1.0, 2.0})
    yield kind("a frozenset", lambda x: frozenset([1.0]))
    yield kind("bytes", lambda x: x.tobytes())
    yield kind("bytearray", lambda x: bytearray(x.tobytes()))
    yield kind("a text", lambda x: "x.npy")
    yield kind("a path", lambda x: Path("x.npy"))
    yield kind("a function", lambda x: lambda: x)
    yield kind("a class", lambda x: np.ndarray)
    yield kind("a number", lambda x: 3.0)
    yield kind("an object", lambda x: object())
    yield kind("a module", lambda x: np)
    yield kind("an Ellipsis", lambda x: ...)
    yield kind("True", lambda x: True)
    yield kind("rows of different lengths", lambda x: [[1.0, 2.0, 3.0, 4.0], [3.0]] * (len(x) // 2))
    yield kind("a list of texts", lambda x: ["a"] * len(x))
    yield kind("a list with None", lambda x: [[None] * 4] * len(x))
    yield kind("an empty list", lambda x: [])
    yield kind("an empty tuple", lambda x: ())
    yield kind("an empty dict", lambda x: {})
    yield kind("a generator in a batch", lambda x: (row for row in x))
    yield kind("a Tensor", lambda x: Input((4,)))
    yield kind("a list of sets", lambda x: [{1.0}] * len(x))
    yield kind("a text as y", lambda y: "label", "y")
    yield kind("a set as y", lambda y: set(y.tolist()), "y")
    yield kind("texts as y", lambda y: np.array(["cat", "dog"] * (len(y) // 2)), "y")
    yield kind("None in y", lambda y: [None, *y.tolist()[1:]], "y")
    yield kind("times as y", lambda y: y.astype("M8[s]"), "y")
    yield kind("a function as y", lambda y: lambda: y, "y")
    yield kind("rows of different lengths as y", lambda y: [[1], [1, 2]] * (len(y) // 2), "y")
    yield kind("a list of arrays as y", lambda y: list(map(np.float32, y)), "y", "value")
    yield kind("texts as weights", lambda w: ["a"] * len(w), "weight")
    yield kind("a dict of classes as weights", lambda w: {0: 1.0}, "weight")
    yield kind("a text as weights", lambda w: "balanced", "weight")
    # Frames.
    yield kind("a frame with NaN", _frame_with(lambda pd, c: c.where(c > 0)))
    yield kind("a frame with pd.NA", _frame_with(lambda pd, c: c.where(c > 0).astype("Float64")))
    yield kind("a frame of texts", _frame_with(lambda pd, c: c.astype(str)))
    yield kind("a frame with a category", _frame_with(lambda pd, c: pd.Categorical(["a"] * len(c))))
    yield kind(
        "a frame with a category of numbers", _frame_with(lambda pd, c: c.astype("category"))
    )
    yield kind(
        "a frame with None", _frame_with(lambda pd, c: pd.Series([None] * len(c), dtype=object))
    )
    yield kind("a frame of times", _frame_with(lambda pd, c: pd.to_datetime(c)))
    yield kind(
        "a frame of periods",
        _frame_with(lambda pd, c: pd.period_range("2000", periods=len(c), freq="D")),
    )
    yield kind("a frame of dicts", _frame_with(lambda pd, c: pd.Series([{}] * len(c))))
    yield kind("a frame of complex numbers", _frame_with(lambda pd, c: c + 1j))
    yield kind("a frame without rows", lambda x: _frame(x)[:0])
    yield kind("a frame without columns", lambda x: _frame(x)[[]])
    yield kind("a series of texts as y", _series(lambda pd, y: pd.Series(["a"] * len(y))), "y")
    yield kind(
        "a series of categories as y", _series(lambda pd, y: pd.Series(y, dtype="category")), "y"
    )
    yield kind(
        "a series with pd.NA as y",
        _series(lambda pd, y: pd.Series(y, dtype="Int64").replace(1, pd.NA)),
        "y",
    )
    yield kind(
        "polars, null", _polars_with(lambda pl, c: pl.Series([None] * len(c), dtype=pl.Float32))
    )
    yield kind("polars, texts", _polars_with(lambda pl, c: c.cast(pl.String)))
    yield kind("polars, times", _polars_with(lambda pl, c: c.cast(pl.Int64).cast(pl.Datetime)))
    yield kind(
        "polars, categories", _polars_with(lambda pl, c: c.cast(pl.String).cast(pl.Categorical))
    )
    yield kind("polars, lists", _polars_with(lambda pl, c: pl.Series([[1.0, 2.0]] * len(c))))


def _accepted() -> Iterator[Fault]:
    def same(
        name: str,
        change: Callable[[Any], Any],
        part: str = "x",
        model: str = "classes",
        means: Callable[[Any], Any] = _same,
        plain: bool = False,
    ) -> Fault:
        return Fault(name, model, part, change, means, plain, whole=True)

    yield same("float64", lambda x: x.astype("float64"), plain=True)
    yield same("longdouble", lambda x: x.astype("longdouble"))
    yield same("big-endian", lambda x: x.astype(">f4"))
    yield same("big-endian, float64", lambda x: x.astype(">f8"))
    yield same("big-endian labels", lambda y: y.astype(">i4"), "y")
    yield same("Fortran order", np.asfortranarray)
    yield same("negative strides", _spaced)
    yield same("read-only", _read_only)
    yield same("np.matrix", np.matrix)
    yield same("masked array without masked values", lambda x: np.ma.masked_array(x))
    yield same("lists", lambda x: x.tolist())
    yield same("tuples", lambda x: tuple(map(tuple, x.tolist())))
    yield same("memoryview", memoryview)
    yield same("an object with __array__", lambda x: _Arrays(x))
    yield same("objects that are rows", _rows_as_objects)
    yield same("range as y", lambda y: range(len(y)), "y", "value", lambda y: np.arange(len(y)))
    yield same("labels as float64", lambda y: y.astype("float64"), "y", plain=True)
    yield same("labels as uint8", lambda y: y.astype("uint8"), "y", plain=True)
    yield same("labels as bool", lambda y: y > 0, "y", "binary")
    yield same("labels of a column", lambda y: y[:, None], "y", plain=True)
    yield same("y without its last axis", lambda y: y[:, 0], "y", "value", plain=True)
    yield same("weights of a column", lambda w: w[:, None], "weight", "value", plain=True)
    yield same("weights as integers", lambda w: w.astype("int64"), "weight", "value", plain=True)
    yield same("weights as bool", lambda w: w > 0, "weight", "value")
    yield same("weights of 0", lambda w: _put(0.0)(w), "weight", "value", _put(0.0), plain=True)
    # Integers beyond 32 bits where a float is wanted.
    for value in (2**31, 5_000_000_000, -(2**40)):
        big = _put(value, "int64")
        yield same(f"{value} in x", big, "x", "value", lambda x, big=big: _float(big(x)), True)
        yield same(f"{value} in y", big, "y", "value", lambda x, big=big: _float(big(x)), True)
        yield same(
            f"{value} in a list",
            lambda x, big=big: big(x).tolist(),
            "x",
            "value",
            lambda x, big=big: _float(big(x)),
        )
        yield same(
            f"{value} in a frame",
            lambda x, big=big: _frame(big(x)),
            "x",
            "value",
            lambda x, big=big: _float(big(x)),
        )
    unsigned = lambda x: _put(2**63, "uint64")(abs(x))  # noqa: E731
    yield same("2**63 in x, uint64", unsigned, "x", "value", lambda x: _float(unsigned(x)), True)
    yield same(
        "weight 2**32", _put(2**32, "int64"), "weight", "value", _put(2**32, "float32"), True
    )
    yield same("a frame", _frame)
    yield same("a frame of nullable numbers", _frame_with(lambda pd, c: c.astype("Float32")))
    yield same("a frame of arrow numbers", _frame_with(lambda pd, c: c.astype("float[pyarrow]")))
    yield same("polars", _polars_with(lambda pl, c: c))
    yield same("a series as y", _series(lambda pd, y: pd.Series(y)), "y")
    yield same("a nullable series as y", _series(lambda pd, y: pd.Series(y, dtype="Int64")), "y")
    yield same(
        "a series of bool as y", _series(lambda pd, y: pd.Series(y[:, 0] > 0)), "y", "binary"
    )


class _Arrays:
    """An object with `__array__`."""

    def __init__(self, x: Any) -> None:
        self._x = x

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self._x, dtype)


def _rows_as_objects(x: Any) -> Any:
    made = np.empty(len(x), object)
    made[:] = list(x)
    return made


def _class_weights() -> Iterator[Fault]:
    def weights(given: Any, name: str = "", means: Any = None, model: str = "classes") -> Fault:
        return Fault(
            f"class_weight={name or given!r}",
            model,
            "batch",
            _same,
            None if means is None else lambda d: d._replace(weight=means(np.asarray(d.y))),
            whole=True,
            kwargs={"class_weight": given},
        )

    nan, inf = float("nan"), float("inf")
    for given in (
        *({7: 2.0}, {-1: 5.0}, {0.5: 2.0}, {10**9: 1.0}, {10**12: 1.0}, {"1": 2.0}, {None: 1.0}),
        *({0: -1.0}, {0: nan}, {0: inf}, {0: 1e300}, {0: "a"}, {0: None}, {0: 1j}, {0: [1.0]}),
        *("balanced", [1.0, 2.0, 3.0], 2.0, {0: 1.0, "pixels": {0: 1.0}}, {"output": {0: 1.0}}),
        *({(0,): 1.0}, {0: {0: 1.0}}, np.ones(3), {nan: 1.0}, True),
    ):
        yield weights(given)
    yield weights({2: 2.0}, model="binary")

    def lookup(table: Any) -> Any:
        return lambda y: np.asarray(table, "float32")[y.astype(int).ravel()]

    yield weights({0: 1.0, 1: 2.0, 2: 3.0}, means=lookup([1, 2, 3]))
    yield weights({1: 2.0}, means=lookup([1, 2, 1]))
    yield weights({1: 0.0}, means=lookup([1, 0, 1]))
    yield weights({np.int64(1): np.float32(2.0)}, "{np.int64(1): ...}", lookup([1, 2, 1]))
    yield weights({1.0: 2}, "{1.0: 2}", lookup([1, 2, 1]))
    yield weights({True: 2.0}, means=lookup([1, 2, 1]))
    yield weights({0: 3.0, 1: 2.0}, means=lookup([3, 2]), model="binary")


def faults() -> list[Fault]:
    """Returns all faults."""
    return [
        *_refused_values(),
        *_refused_shapes(),
        *_refused_kinds(),
        *_accepted(),
        *_class_weights(),
    ]


# ----------------------------------------------------------------------------------------- sources


def _batches(fault: Fault, data: Data, at: int, change: Callable[[Data], Any]) -> list[Any]:
    """Returns batches; `change` is applied to number `at`."""
    made = [_rows(data, slice(i * ROWS, (i + 1) * ROWS)) for i in range(BATCHES)]
    # A fault such as another dtype is one of all batches.
    numbers = range(BATCHES) if fault.whole and fault.means is not None else (at,)
    for i in numbers:
        made[i] = change(made[i])
    # All batches have weights, or none has.
    if fault.part == "weight":
        ones = np.ones(ROWS, "float32")
        made = [d._replace(weight=ones) if d.weight is None else d for d in made]
    return made


def _rows(data: Data, rows: slice) -> Data:
    def cut(part: Any) -> Any:
        if part is None:
            return None
        return tuple(p[rows] for p in part) if isinstance(part, tuple) else part[rows]

    return Data(*map(cut, data))


def _pack(data: Any, inputs_only: bool) -> Any:
    x, y, weight = data
    if inputs_only:
        return (x,)
    return (x, y) if weight is None else (x, y, weight)


def _on_device(x: Any) -> Any:
    made = jnp.asarray(x)
    if x.dtype.kind in "iu" and not np.array_equal(made, x):
        raise TypeError("JAX has kept the last 32 bits")
    return made


class _Again:
    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches

    def __iter__(self) -> Any:
        return iter(self._batches)


class _ListLike:
    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        return self._batches[index]


class _Dataset(cornu.utils.PyDataset):
    def __init__(self, batches: list[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        return self._batches[index]


def _tensorflow(batches: list[Any]) -> Any:
    import tensorflow as tf

    if len({str(_map(lambda x: np.asarray(x).dtype, batch)) for batch in batches}) > 1:
        raise TypeError("TensorFlow converts all batches to one dtype")

    specs = tf.nest.map_structure(
        lambda x: tf.TensorSpec(
            None if len({np.ndim(x)}) > 1 else [None] * np.ndim(x), np.asarray(x).dtype
        ),
        batches[0],
    )
    return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=specs)


def _torch(batches: list[Any]) -> Any:
    import torch

    def tensors(part: Any) -> Any:
        return tuple(map(tensors, part)) if isinstance(part, tuple) else torch.from_numpy(part)

    return torch.utils.data.DataLoader(
        [tensors(batch) for batch in batches], batch_size=None, collate_fn=_same
    )


def _grain(batches: list[Any]) -> Any:
    import grain

    return grain.MapDataset.source(batches).to_iter_dataset()


_STREAMS: dict[str, Callable[[list[Any]], Any]] = {
    "generator": lambda batches: (batch for batch in batches),
    "iterable": _Again,
    "list-like": _ListLike,
    "PyDataset": _Dataset,
    "PyDataset, threads": lambda batches: _Dataset(batches, workers=2),
    "tf.data": _tensorflow,
    "torch DataLoader": _torch,
    "grain": _grain,
    "jax arrays": lambda batches: _Again([_map(_on_device, batch) for batch in batches]),
}
# Sources that hold arrays of numbers only.
_TYPED = ("tf.data", "torch DataLoader", "grain", "jax arrays")


def _map(convert: Callable[[Any], Any], part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple(_map(convert, item) for item in part)
    if isinstance(part, dict):
        return {key: _map(convert, item) for key, item in part.items()}
    return None if part is None else convert(part)


def _mapped(x: Any) -> Any:
    folder = tempfile.mkdtemp(dir=_folder().name)
    np.save(f"{folder}/x.npy", x)
    return np.load(f"{folder}/x.npy", mmap_mode="r")


def _stored(x: Any) -> Any:
    import h5py

    folder = tempfile.mkdtemp(dir=_folder().name)
    with h5py.File(f"{folder}/x.h5", "w") as file:
        file["x"] = x
    return h5py.File(f"{folder}/x.h5", "r")["x"]


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="cornu-attacks-")


def _tensor(x: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(x))


def _constant(x: Any) -> Any:
    import tensorflow as tf

    return tf.constant(x)


_ARRAYS: dict[str, Callable[[Any], Any]] = {
    "arrays": _same,
    "lists": lambda x: x.tolist(),
    "memmap": _mapped,
    "h5py": _stored,
    "torch tensors": _tensor,
    "tf tensors": _constant,
}


# ----------------------------------------------------------------------------------------- methods


def _fit(model: Any, x: Any, y: Any = None, weight: Any = None, **kwargs: Any) -> Any:
    kwargs = {"shuffle": False, "verbose": 0, "sample_weight": weight, **kwargs}
    return model.fit(x, y, **kwargs).history["loss"]


def _evaluate(model: Any, x: Any, y: Any = None, weight: Any = None, **kwargs: Any) -> Any:
    return model.evaluate(x, y, sample_weight=weight, verbose=0, **kwargs)


def _train_on_batch(model: Any, x: Any, y: Any = None, weight: Any = None, **kwargs: Any) -> Any:
    return model.train_on_batch(x, y, weight, **kwargs)


def _validate(model: Any, *data: Any, stream: bool = False, clean: Any = ()) -> Any:
    held_out = data[0] if stream else data
    kwargs = {"batch_size": ROWS, "shuffle": False, "verbose": 0}
    logs = model.fit(*clean, validation_data=held_out, **kwargs).history
    return logs["val_loss"]


_METHODS: dict[str, Callable[..., Any]] = {
    "fit": _fit,
    "evaluate": _evaluate,
    "predict": lambda model, x, **kwargs: model.predict(x, verbose=0, **kwargs),
    "validation_data": _validate,
    "train_on_batch": _train_on_batch,
    "test_on_batch": lambda model, *data: model.test_on_batch(*data),
    "predict_on_batch": lambda model, x: model.predict_on_batch(x),
}
_ON_BATCH = ("train_on_batch", "test_on_batch", "predict_on_batch")
_INPUTS_ONLY = ("predict", "predict_on_batch")


class Case(NamedTuple):
    """A fault, passed to a method in a source; `at` is the number of the batch that has it."""

    fault: Fault
    source: str
    method: str
    at: int

    def __str__(self) -> str:
        at = f", batch {self.at}" if self.source in _STREAMS else ""
        return f"{self.fault.model}: {self.fault.name} | {self.source}{at} | {self.method}"


def cases() -> Iterator[Case]:
    """Yields the product of faults, sources, methods and positions."""
    for fault in faults():
        for method in _METHODS:
            if method in _INPUTS_ONLY and (fault.part != "x" or fault.kwargs):
                continue
            # In `predict`, x alone determines the rows; values are not checked on a single batch.
            if method in _INPUTS_ONLY and "rows in x" in fault.name:
                continue
            if method == "predict_on_batch" and fault.plain and not fault.whole and not fault.means:
                continue
            if fault.kwargs and method not in ("fit", "train_on_batch"):
                continue
            yield Case(fault, "arrays", method, 0)
            if method in _ON_BATCH:
                continue
            single = fault.model != "pair" and not fault.kwargs
            if fault.plain and single and fault.name not in ("NaN in x, bfloat16",):
                for source in _ARRAYS:
                    if source != "arrays" and not (source == "h5py" and "uint64" in fault.name):
                        yield Case(fault, source, method, 0)
            for source in _STREAMS:
                if not fault.plain and source in _TYPED:
                    continue
                yield Case(fault, source, method, 0)
                if fault.means is None and not fault.kwargs:
                    yield Case(fault, source, method, 2)


class Outcome(NamedTuple):
    """What happened: "refused", "right", or a failure with its kind."""

    kind: str
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether the case passed."""
        return self.kind in ("refused", "right", "impossible")


# Words that belong to the internals of cornu and of the libraries below it.
_RAW = (
    *("tracer", "jax", "jit", "xla", "has no attribute", "unhashable", "iterable'"),
    *("not supported between", "subscriptable", "cannot be interpreted", "is not iterable"),
    *("could not broadcast", "inhomogeneous", "invalid literal", "argument must be", "abstract"),
)


def run(case: Case) -> Outcome:
    """Runs a case and judges its outcome."""
    fault, source, method, at = case
    model, x, y, weights = _model(fault.model)
    data = Data(x, y)
    streamed = source in _STREAMS
    inputs_only = method in _INPUTS_ONLY
    try:
        given = _prepare(case, data, fault.apply)
    except Exception as error:  # another library cannot hold the data
        return Outcome("impossible", f"{type(error).__name__}: {error}")
    kwargs: dict[str, Any] = dict(fault.kwargs)
    if method == "validation_data":
        kwargs |= {"clean": (x, y), "stream": streamed}
    elif not streamed and method not in _ON_BATCH:
        kwargs["batch_size"] = ROWS
    model.set_weights(weights)
    begun = int(np.asarray(model.optimizer.iterations.value))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _METHODS[method](model, *given, **kwargs)
    except Exception as error:
        done = int(np.asarray(model.optimizer.iterations.value)) - begun
        if type(error).__module__.startswith("tensorflow"):
            return Outcome("impossible", f"{type(error).__name__}: {error}")
        return _judge_error(case, error, done)
    if fault.means is None:
        if method == "predict_on_batch" and not np.isfinite(np.asarray(found)).all():
            return Outcome("right", "the predictions are not finite")
        return Outcome("taken", f"returned {found!r:.60}")
    after = model.get_weights()
    model.set_weights(weights)
    if method == "validation_data":
        kwargs["stream"] = False
    elif method not in _ON_BATCH:
        kwargs["batch_size"] = ROWS
    kwargs.pop("class_weight", None)
    expected = _METHODS[method](model, *_pack(_reference(case, data), inputs_only), **kwargs)
    if not np.allclose(found, expected, rtol=1e-4, equal_nan=False):
        return Outcome("wrong", f"{np.ravel(found)[:3]} instead of {np.ravel(expected)[:3]}")
    pairs = zip(after, model.get_weights(), strict=True)
    if not all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs):
        return Outcome("wrong", "the weights differ")
    return Outcome("right")


def _reference(case: Case, data: Data) -> Data:
    """Returns the arrays that the data with the fault means."""
    if case.method in _ON_BATCH:
        return case.fault.clean(_rows(data, FIRST))
    if case.source not in _STREAMS:
        return case.fault.clean(data)
    batches = _batches(case.fault, data, case.at, case.fault.clean)

    def joined(*parts: Any) -> Any:
        if isinstance(parts[0], tuple):
            return tuple(map(joined, *parts))
        return None if parts[0] is None else np.concatenate(list(map(np.asarray, parts)))

    return Data(*map(joined, *batches))


def _prepare(case: Case, data: Data, change: Callable[[Data], Any]) -> Any:
    inputs_only = case.method in _INPUTS_ONLY
    if case.source in _STREAMS:
        batches = _batches(case.fault, data, case.at, change)
        packed = [_pack(batch, inputs_only) for batch in batches]
        return (_STREAMS[case.source](packed),)
    if case.method in _ON_BATCH:
        data = _rows(data, FIRST)
    x, y, weight = change(data)
    convert = _ARRAYS[case.source]
    if case.source != "arrays":
        x, y, weight = (None if part is None else convert(part) for part in (x, y, weight))
    return _pack((x, y, weight), inputs_only)


def _judge_error(case: Case, error: Exception, done: int) -> Outcome:
    text = str(error)
    notes = "\n".join(getattr(error, "__notes__", ()))
    detail = f"{type(error).__name__}: {text} {notes}"
    if case.fault.means is not None:
        return Outcome("refused, but right", detail)
    lowered = text.lower()
    if not isinstance(error, (TypeError, ValueError)):
        return Outcome("raw", detail)
    if any(word in lowered for word in _RAW) or len(text) < 30:
        return Outcome("raw", detail)
    # Trained before the batch with the fault: as many steps as there are batches before it.
    allowed = case.at if case.method == "fit" and case.source in _STREAMS else 0
    if case.method == "validation_data" and case.at and case.source in _STREAMS:
        allowed = BATCHES
    if done > allowed:
        return Outcome("late", f"after {done} steps. {detail}")
    if case.at and case.source in _STREAMS and "batch" not in (text + notes).lower():
        return Outcome("nameless", detail)
    if "\n" not in text and text.count(". ") == 0 and ": " not in text:
        return Outcome("curt", detail)
    return Outcome("refused", detail)


def main() -> None:
    """Runs all cases; prints the failures, and a table of the outcomes by method."""
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    failed = 0
    for case in cases():
        if only not in str(case):
            continue
        outcome = run(case)
        counts[case.method][outcome.kind] += 1
        if not outcome.good or "-v" in sys.argv:
            failed += 1
            print(f"{outcome.kind:20} {case}\n    {outcome.detail[:700]!r}", flush=True)
    kinds = sorted({kind for counter in counts.values() for kind in counter})
    print("| method | " + " | ".join(kinds) + " |")
    for method, counter in counts.items():
        print(f"| {method} | " + " | ".join(str(counter[kind]) for kind in kinds) + " |")
    total = sum((counter for counter in counts.values()), collections.Counter())
    print("| all | " + " | ".join(str(total[kind]) for kind in kinds) + f" | of {total.total()}")


if __name__ == "__main__":
    main()
