"""Shapes with the attributes of TensorFlow 1."""

import numpy as np

import cornu.dialects.keras1  # noqa: F401  # registers the attributes of Tensors
from cornu import Input, Model, layers
from cornu.core.graph import tensor
from cornu.dialects.tensor_shape import ListedShape, TensorShape


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


def test_shapes_as_attributes(monkeypatch):
    monkeypatch.setattr(tensor, "_shape_types", [tuple])
    tensor.register_shape_type(ListedShape)
    x = Input((3, 4))
    assert x.shape == (None, 3, 4) and x.shape.as_list() == [None, 3, 4]
    assert (x.shape.ndims, x.shape.rank, x.shape.is_fully_defined()) == (3, 3, False)
    model = Model(x, layers.Dense(2)(layers.Flatten()(x * 2)))
    assert model.output_shape == (None, 2)
    assert model.predict(np.ones((5, 3, 4)), verbose=0).shape == (5, 2)
    assert Model.from_config(model.get_config()).input_shape == (None, 3, 4)


def test_unknown_sizes():
    unknown = TensorShape((None,))[0]
    assert (unknown * 2).value is None and (2 + unknown).value is None
    assert unknown == None  # noqa: E711  # as programs compared it
    assert repr(unknown) == "Dimension(None)"
