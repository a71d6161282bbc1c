"""Malformed requests: each is refused with a reason, and nothing else happens."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cornu.serving.errors import RequestError
from cornu.serving.requests import read_request
from cornu.serving.signature import ModelSignature, TensorSpec

SIGNATURE = ModelSignature(
    (TensorSpec("x", "FP32", (None, 2)), TensorSpec("n", "INT8", (None,))),
    (TensorSpec("y", "FP32", (None, 1)),),
    rowwise=True,
)
X = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
X0 = {**X, "shape": [0, 2], "data": []}
N = {"name": "n", "shape": [1], "datatype": "INT8", "data": [3]}
N0 = {**N, "shape": [0], "data": []}


def read(message, data=b"", size=None):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    return read_request(text + data, len(text) if data else size, SIGNATURE, max_rows=4)


def inputs(**changes):
    return {"inputs": [{**X, **changes}, N]}


def binary(size, **changes):
    entry = {k: v for k, v in X.items() if k != "data"}
    return {"inputs": [{**entry, "parameters": {"binary_data_size": size}, **changes}, N]}


MALFORMED = {
    "no JSON": (b"[1", b"", "is not JSON"),
    "no object": (b"[]", b"", "must be a JSON object"),
    "deep": (b'{"inputs":' + b"[" * 100_000, b"", "is not JSON"),
    "not UTF-8": (b'{"inputs": "\xff"}', b"", "is not JSON"),
    "NaN": (b'{"inputs": NaN}', b"", "not a JSON number"),
    "no inputs": ({}, b"", "'inputs' must be a list"),
    "inputs are no objects": ({"inputs": [1]}, b"", "'inputs' must be a list"),
    "an unknown input": ({"inputs": [{**X, "name": "z"}]}, b"", "There is no input 'z'"),
    "an input without name": ({"inputs": [{}]}, b"", "There is no input None"),
    "an input twice": ({"inputs": [X, X]}, b"", "given twice"),
    "a missing input": ({"inputs": [X]}, b"", r"inputs \['n'\] are missing"),
    "another datatype": (inputs(datatype="FP64"), b"", "has the datatype FP32"),
    "a datatype that is a list": (inputs(datatype=[]), b"", "has the datatype FP32"),
    "no shape": (inputs(shape=None), b"", "'shape' must be a list"),
    "a negative size": (inputs(shape=[-1, 2]), b"", "'shape' must be a list"),
    "a size that is true": (inputs(shape=[True, 2]), b"", "'shape' must be a list"),
    "a huge size": (inputs(shape=[10**30, 2]), b"", "'shape' must be a list"),
    "many axes": (inputs(shape=[1] * 100), b"", "'shape' must be a list"),
    "another rank": (inputs(shape=[1, 2, 1]), b"", r"has the shape \[-1, 2\]"),
    "another size": (inputs(shape=[1, 3]), b"", r"has the shape \[-1, 2\]"),
    "many rows": (inputs(shape=[10**9, 2]), b"", "elements by its shape"),
    "no data": (inputs(data=None), b"", "'data' must be a list"),
    "texts": (inputs(data=["1", "2"]), b"", "other values"),
    "truth values": (inputs(data=[True, False]), b"", "other values"),
    "objects": (inputs(data=[{}, None]), b"", "other values"),
    "too little data": (inputs(data=[1]), b"", "2 elements by its shape"),
    "wrongly nested": (inputs(data=[[1], [2]]), b"", "not nested as the shape"),
    "partly nested": (inputs(data=[[1, [2]]]), b"", "other values"),
    "beyond float32": (inputs(data=[1e39, 0]), b"", "beyond the range of FP32"),
    "a huge integer": (inputs(data=[10**400, 0]), b"", "beyond the range of FP32"),
    "beyond int8": ({"inputs": [X, {**N, "data": [128]}]}, b"", "beyond the range of INT8"),
    "beyond int64": ({"inputs": [X, {**N, "data": [2**70]}]}, b"", "beyond the range of INT8"),
    "a fraction": ({"inputs": [X, {**N, "data": [1.5]}]}, b"", "other values"),
    "no rows": ({"inputs": [X0, N0]}, b"", "no rows"),
    "other rows": (inputs(shape=[2, 2], data=[1, 2, 3, 4]), b"", "different numbers of rows"),
    "parameters are no object": (inputs(parameters=1), b"", "'parameters' must be an object"),
    "an id that is no text": ({**inputs(), "id": 1}, b"", "id must be a string"),
    "no outputs": ({**inputs(), "outputs": []}, b"", "'outputs' must be a list"),
    "an unknown output": ({**inputs(), "outputs": [{"name": "z"}]}, b"", "There is no output 'z'"),
    "an output twice": ({**inputs(), "outputs": [{"name": "y"}] * 2}, b"", "requested twice"),
    "an output that is a number": ({**inputs(), "outputs": [1]}, b"", "There is no output 1"),
    "too few bytes": (binary(8), bytes(4), "only 4 follow"),
    "bytes of another size": (binary(4), bytes(4), "has 8 bytes as FP32"),
    "too many bytes": (binary(8), bytes(9), "1 bytes of binary data belong to no input"),
    "a size of bytes that is a text": (binary("8"), bytes(8), "must be a number of bytes"),
    "data twice": (binary(8, data=[1, 2]), bytes(8), "both 'data' and 'binary_data_size'"),
}  # fmt: skip


def test_a_request_is_read():
    request = read({**inputs(data=[[1, 2.5]]), "id": "a"})
    assert request.id == "a" and request.rows == 1 and request.binary == {0: False}
    assert [array.tolist() for array in request.arrays] == [[[1.0, 2.5]], [3]]
    assert [array.dtype.name for array in request.arrays] == ["float32", "int8"]


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_refused(name):
    message, data, text = MALFORMED[name]
    with pytest.raises(RequestError, match=text) as caught:
        read(message, data)
    assert caught.value.status == 400 and len(caught.value.reason) < 400


def test_too_many_rows_are_refused():
    five = {
        "inputs": [{**X, "shape": [5, 2], "data": [0] * 10}, {**N, "shape": [5], "data": [0] * 5}]
    }
    with pytest.raises(RequestError, match="at most 4 rows"):
        read(five)


def test_the_size_of_the_json_is_checked():
    for size in (-1, 10**9):
        with pytest.raises(RequestError, match="Inference-Header-Content-Length"):
            read(inputs(), size=size)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(["name", "shape", "datatype", "data", "parameters"])


@settings(max_examples=200, deadline=None)
@given(KEYS, VALUES, st.binary(max_size=20), st.integers(0, 200))
def test_random_values_are_read_or_refused(key, value, data, cut):
    text = json.dumps(inputs(**{key: value})).encode()
    for body, size in ((text, None), (text + data, len(text)), (text[:cut] + data, None)):
        try:
            read_request(body, size, SIGNATURE, max_rows=4)
        except RequestError as error:
            assert error.status in (400, 413)


def test_random_bytes_are_refused():
    source = random.Random(0)
    for _ in range(200):
        body = source.randbytes(source.randrange(60))
        with pytest.raises(RequestError):
            read_request(body, source.choice((None, 3, len(body))), SIGNATURE, max_rows=4)
