"""Input makes Tensors that begin a graph."""

import gc

import pytest

from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor
from cornu.layers import Dense, Input, InputLayer


def test_input_is_a_tensor_of_an_input_layer():
    x = Input((3, None), name="words", dtype="int32")
    assert (x.shape, x.dtype, x.name) == ((None, 3, None), "int32", "words")
    assert isinstance(x.node.op, InputLayer)
    assert x.node.op.name == "words" and x.node.inputs == ()


def test_names_are_those_of_keras():
    assert [Input((1,)).name for _ in range(3)] == [
        "input_layer",
        "input_layer_1",
        "input_layer_2",
    ]


def test_shapes_can_be_given_in_several_ways():
    assert Input([2]).shape == (None, 2)
    assert Input(()).shape == (None,)
    assert Input((2,), batch_size=4).shape == (4, 2)
    assert Input(batch_shape=(4, 2)).shape == (4, 2)
    assert InputLayer(input_shape=(2,), batch_size=4).batch_shape == (4, 2)
    assert InputLayer(batch_input_shape=(4, None)).batch_shape == (4, None)


def test_the_layer_keeps_its_tensor():
    layer = InputLayer((2,))
    gc.collect()
    assert layer.output.shape == (None, 2)
    assert layer.output.node.op is layer


def test_an_input_begins_a_graph():
    x = Input((2,))
    y = Dense(3)(x)
    assert [node.name for node in Graph([x], [y]).nodes] == ["dense"]


def test_config_round_trip():
    layer = InputLayer((2,), batch_size=3, dtype="int32", optional=True, name="ids")
    config = layer.get_config()
    assert config == {
        "batch_shape": (3, 2),
        "dtype": "int32",
        "sparse": False,
        "ragged": False,
        "name": "ids",
        "optional": True,
    }
    clone = InputLayer.from_config(config)
    assert clone.get_config() == config and clone.output.optional


def test_a_tensor_that_exists_may_be_used():
    tensor = Tensor((None, 3))
    assert Input(tensor=tensor) is tensor
    assert isinstance(tensor.node.op, InputLayer)
    with pytest.raises(ValueError, match=r"already the output of 'dense'.*pass the Tensor"):
        Input(tensor=Dense(2)(tensor))
    with pytest.raises(ValueError, match=r"shape \(None, 4\) differs from that of"):
        Input((4,), tensor=Tensor((None, 3)))
    with pytest.raises(ValueError, match="dtype='int32' differs from that of"):
        Input(dtype="int32", tensor=Tensor((None, 3)))
    with pytest.raises(TypeError, match="must be a symbolic Tensor"):
        Input(tensor=[1.0])


def test_bad_arguments():
    for argument in ("sparse", "ragged", "optional"):
        with pytest.raises(ValueError, match=f"{argument} must be True or False"):
            Input((2,), **{argument: "yes"})
    with pytest.raises(ValueError, match=r"requires a shape.*Input\(shape=\(32,\)\)"):
        Input()
    with pytest.raises(ValueError, match="`batch_shape` cannot be combined with"):
        Input((2,), batch_shape=(None, 2))
    with pytest.raises(ValueError, match=r"Write shape=\(32,\), with the comma"):
        Input(32)
    with pytest.raises(NotImplementedError, match="dense arrays with a mask"):
        Input((2,), ragged=True)
    with pytest.raises(TypeError, match="no argument 'shap'.*'shape'"):
        InputLayer(shap=(2,))
