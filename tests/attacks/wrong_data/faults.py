"""The changes of clean data: what is wrong or odd about it, and what must happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from cornu import Input


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
