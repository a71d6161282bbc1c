"""Shapes with the attributes of TensorFlow 1."""

import cornu.dialects.keras1  # noqa: F401  # registers the attributes of Tensors
from cornu import Input
from cornu.dialects.tensor_shape import TensorShape


def test_shapes_of_tensors():
    x = Input((3, 4))
    shape = x.get_shape()
    assert shape == (None, 3, 4) == x._shape
    assert shape.as_list() == [None, 3, 4]
    assert [shape[0].value, shape[-1].value] == [None, 4]
    assert type(shape[1].value) is int and shape[1] * 2 == 6
    assert shape[1:].as_list() == [3, 4]
    assert shape[1:].is_fully_defined() and not shape.is_fully_defined()
    assert (shape.ndims, len(shape.dims)) == (3, 3)


def test_unknown_sizes():
    unknown = TensorShape((None,))[0]
    assert (unknown * 2).value is None and (2 + unknown).value is None
    assert unknown == None  # noqa: E711  # as programs compared it
    assert repr(unknown) == "Dimension(None)"
