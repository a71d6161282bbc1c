"""Frames of pandas and polars are converted to numbers, or the error names the column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cornu.data.column_names import Names, bind, bind_frame
from cornu.data.frames import arrays_of

NUMBERS = {"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": [True, False, True]}
EXPECTED = np.array([[1, 0.5, 1], [2, 1.5, 0], [3, 2.5, 1]], "float32")

FRAMES = {
    "numpy": lambda: pd.DataFrame(NUMBERS),
    "nullable": lambda: pd.DataFrame(NUMBERS).convert_dtypes(),
    "arrow": lambda: pd.DataFrame(NUMBERS).convert_dtypes(dtype_backend="pyarrow"),
    "two columns of one name": lambda: pd.DataFrame(NUMBERS).set_axis(["a", "b", "a"], axis=1),
    "polars": lambda: pl.DataFrame(NUMBERS),
    "lazy": lambda: pl.DataFrame(NUMBERS).lazy(),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_become_one_array(name):
    array = arrays_of(FRAMES[name](), "x")
    assert array.dtype == "float32" and np.array_equal(array, EXPECTED)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_columns_bind_only_if_all_are_there(make):
    table = make(NUMBERS)
    bound = arrays_of(table, "x", ("c", "a"))
    assert list(bound) == ["c", "a"] and bound["a"].tolist() == [1, 2, 3]
    assert bound["a"].dtype.kind == "i" and bound["c"].dtype == bool
    assert arrays_of(table, "x", ("c", "other")).shape == (3, 3)
    assert arrays_of(table, "x", ("c",)).shape == (3, 3)


SERIES = {
    "ints": (pd.Series([1, 2]), [1, 2]),
    "nullable": (pd.Series([1, 2], dtype="Int8"), [1, 2]),
    "nullable, missing": (pd.Series([1, None], dtype="Int8"), [1, np.nan]),
    "boolean, missing": (pd.Series([True, None], dtype="boolean"), [1, np.nan]),
    "arrow": (pd.Series([1.5, 2], dtype="double[pyarrow]"), [1.5, 2]),
    "arrow, missing": (pd.Series([1.5, None], dtype="double[pyarrow]"), [1.5, np.nan]),
    "sparse": (pd.Series(pd.arrays.SparseArray([0, 2])), [0, 2]),
    "codes": (pd.Series(["b", "a"], dtype="category").cat.codes, [1, 0]),
    "lists": (pd.Series([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "arrays": (pd.Series([np.ones(2), np.zeros(2)]), [[1, 1], [0, 0]]),
    "index": (pd.Index([3, 4]), [3, 4]),
    "polars": (pl.Series([1, 2]), [1, 2]),
    "polars, missing": (pl.Series([1, None]), [1, np.nan]),
    "polars lists": (pl.Series([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "polars arrays": (pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int32, 2)), [[1, 2], [3, 4]]),
}


@pytest.mark.parametrize("name", SERIES)
def test_series(name):
    series, expected = SERIES[name]
    array = arrays_of(series, "y")
    assert array.dtype.kind in "biuf" and array.dtype != "float64"
    assert np.array_equal(array.astype("float64"), np.array(expected, float), equal_nan=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            pd.DataFrame({"a": [1], "b": ["x"], "d": ["y"]}),
            "contains strings.* in the columns b, d",
        ),
        (pd.DataFrame({"a": [1], "b": pd.Categorical(["x"])}), "in the columns b"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "in the columns a"),
        (pl.DataFrame({"a": [1], "b": ["x"]}), "contains strings.* in the columns b"),
        (pl.DataFrame({"a": ["x"]}, schema={"a": pl.Categorical}), "in the columns a"),
        (pd.Series(["x"], dtype="category"), r"contains category.*\(series.cat.codes\)"),
        (pl.Series(["x"]), "y contains strings"),
        (pd.DataFrame({"a": [1, 2]}, dtype=object), r"contains objects \(int\).* in the columns a"),
        (pd.Series([1, "a"]), r"y contains objects \(int, str\)"),
    ],
)
def test_non_numbers_are_named(table, message):
    with pytest.raises(TypeError, match=message):
        arrays_of(table, "y")


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"different shapes \(a: \(2,\), b: \(\)\)"):
        arrays_of(pd.DataFrame({"a": [[1, 2], [3, 4]], "b": [1, 2]}), "x")
    with pytest.raises(ValueError, match="y is ragged"):
        arrays_of(pd.Series([[1, 2], [3]]), "y")
    with pytest.raises(ValueError, match="a frame without columns"):
        arrays_of(pd.DataFrame(index=[0, 1]), "x")


def test_names_of_columns_as_targets():
    frame = pd.DataFrame({"a": [1], "b": [2], "w": [3], "t": [4]})
    x, y, weight = bind_frame(frame, "t", "w")
    assert list(x.columns) == ["a", "b"] and y.tolist() == [4] and weight.tolist() == [3]
    x, y, _ = bind_frame(
        pl.DataFrame({"a": [1], "t": [4], "u": [5]}), {"one": "t", "two": "u"}, None
    )
    assert x.columns == ["a"] and y["one"].to_list() == [4] and y["two"].to_list() == [5]
    given = np.ones(1)
    assert bind_frame(frame, given, None)[1] is given
    with pytest.raises(ValueError, match="x has no column 'z'"):
        bind_frame(frame, "z", None)


@pytest.mark.parametrize(
    ("columns", "names", "y", "expected"),
    [
        (["x", "y"], Names(), None, ("x", "y", None)),
        (["x", "id", "label"], Names(), None, ("x", "label", None)),
        (
            ["image", "labels", "sample_weight"],
            Names(("image",)),
            None,
            ("image", "labels", "sample_weight"),
        ),
        (["image", "id", "age"], Names(("image",), ("age",)), None, ("image", "age", None)),
        (["a", "b"], Names(), "b", ("a", "b", None)),
        (
            ["a", "b", "p", "q"],
            Names(("a", "b"), ("p", "q")),
            None,
            ({"a": "a", "b": "b"}, {"p": "p", "q": "q"}, None),
        ),
        (
            ["a", "b", "p"],
            Names(("a", "b"), ("p", "q")),
            None,
            ({"a": "a", "b": "b"}, {"p": "p"}, None),
        ),
        (["y", "z", "label"], Names(("y", "z")), None, ({"y": "y", "z": "z"}, "label", None)),
        (["a"], Names(), None, ("a", None, None)),
    ],
)
def test_binding(columns, names, y, expected):
    assert bind(columns, names, y) == expected


def test_a_table_of_targets_alone_is_rejected():
    with pytest.raises(ValueError, match="no column for x. Its columns are y"):
        bind(["y"], Names())
