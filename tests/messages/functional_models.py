"""Mistakes in building a functional model."""

import jax.numpy as jnp
import numpy as np

from cornu import Input, Model, layers, ops
from tests.messages.table import wrong


@wrong(
    ValueError,
    """
Model 'functional': outputs is the layer 'dense', not a Tensor: the layer was created but not \
called.
Write Dense(...)(x) instead of Dense(...).
Model() was called (at functional_models.py:2).
""",
)
def a_layer_that_was_not_called():
    """The output is a layer that was created and not called."""
    x = Input((4,), name="x")
    Model(x, layers.Dense(3))


@wrong(
    TypeError,
    """
Dense layer 'dense_1' (at functional_models.py:2), called on a Dense of cornu.layers.dense: the \
input is the layer 'dense', not a Tensor: it was created but not called.
Write Dense(...)(x).
""",
)
def a_layer_called_on_a_layer():
    """A layer is called on another layer instead of on its output."""
    hidden = layers.Dense(8)
    layers.Dense(3)(hidden)


@wrong(
    TypeError,
    """
The class Flatten was called on a Tensor. Create a layer first.
Use Flatten(...)(x).
Flatten() was called (at functional_models.py:2).
""",
)
def a_class_instead_of_a_layer():
    """A class of layers is called on a Tensor: the layer was not created."""
    x = Input((4,), name="x")
    layers.Flatten(x)


@wrong(
    TypeError,
    """
The class Dense was called on a Tensor. Create a layer first.
Use Dense(...)(x).
Dense() was called (at functional_models.py:2).
""",
)
def a_tensor_as_units():
    """Dense gets the Tensor where it takes the number of units."""
    x = Input((4,), name="x")
    layers.Dense(x)


@wrong(
    ValueError,
    """
Graph disconnected: the outputs depend on Input 'b' (functional_models.py:1), which is not among\
 the model's inputs.
Inputs given: ['a']. Add it to `inputs`, or compute the outputs from the given inputs only.
Model() was called (at functional_models.py:2).
""",
)
def graph_disconnected():
    """The outputs depend on an input that is not given."""
    a, b = Input((4,), name="a"), Input((4,), name="b")
    Model(a, layers.Add()([a, b]))


@wrong(
    ValueError,
    """
Model 'functional': input 'x' is passed twice.
Pass it once; any number of layers may use it.
Model() was called (at functional_models.py:2).
""",
)
def an_input_twice():
    """An input is given twice."""
    x = Input((4,), name="x")
    Model([x, x], layers.Dense(1)(x))


@wrong(
    ValueError,
    """
Model(inputs, outputs) requires both; outputs is missing.
Model() was called (at functional_models.py:1).
""",
)
def outputs_missing():
    """The outputs are forgotten."""
    Model(Input((4,), name="x"))


@wrong(
    ValueError,
    """
Model 'functional': inputs must be a symbolic Tensor, as returned by `Input()`. Received: an \
array of shape (8, 4) (of type ndarray)
Model() was called (at functional_models.py:2).
""",
)
def an_array_as_input():
    """A model begins with an array instead of an Input."""
    x = np.ones((8, 4))
    Model(x, layers.Dense(3)(x))


@wrong(
    ValueError,
    """
Input 'input_layer' requires a shape, without the batch axis: `Input(shape=(32,))`, or \
`Input(shape=())` for one number per sample.
Input() was called (at functional_models.py:1).
""",
)
def input_without_a_shape():
    """Input is called without a shape."""
    Input()


@wrong(
    ValueError,
    """
Input 'input_layer': shape must be a tuple, the shape of one sample. Received: 32
Write shape=(32,), with the comma.
Input() was called (at functional_models.py:1).
""",
)
def input_with_a_number_as_shape():
    """The comma of a tuple of one is forgotten."""
    Input(shape=(32))


@wrong(
    ValueError,
    """
Concatenate layer 'join' (at functional_models.py:2), called on shape [(None, 8, 8, 3), (None, \
7, 8, 3)]: inputs must have equal shapes except along axis -1. Received: (None, 8, 8, 3), (None,\
 7, 8, 3)
Make the shapes equal first (padding='same', Cropping, ZeroPadding, Resizing), or concatenate \
along another axis.
""",
)
def concatenate_of_different_sizes():
    """Concatenate gets feature maps of different sizes."""
    a, b = Input((8, 8, 3), name="a"), Input((7, 8, 3), name="b")
    layers.Concatenate(name="join")([a, b])


@wrong(
    ValueError,
    """
Add layer 'shortcut' in residual_block (at functional_models.py:3), called on shape [(None, 8, \
8, 3), (None, 8, 8, 16)]: inputs must have equal shapes, or size 1 where they differ. Received: \
(None, 8, 8, 3), (None, 8, 8, 16)
Reshape the inputs first. If a shortcut has other channels or strides, project it with a \
convolution of kernel size 1.
""",
)
def add_of_different_shapes():
    """A shortcut connection of a different number of channels."""

    def residual_block(x, filters):
        y = layers.Conv2D(filters, 3, padding="same", name="conv")(x)
        return layers.Add(name="shortcut")([x, y])

    residual_block(Input((8, 8, 3), name="image"), 16)


@wrong(
    ValueError,
    """
Concatenate layer 'concatenate' (at functional_models.py:2), called on shape (None, 4), shape \
(None, 4): expected a list of arrays, received one of shape (None, 4).
Pass a list: layer([a, b]).
""",
)
def add_without_a_list():
    """A merging layer gets its inputs one by one instead of in a list."""
    a, b = Input((4,), name="a"), Input((4,), name="b")
    layers.Concatenate()(a, b)


@wrong(
    ValueError,
    """
BatchNormalization layer 'bn' in residual_block > bottleneck > bn_relu (at \
functional_models.py:2), called on shape (None, 8, 8, 8): axis 4 is out of bounds for an input \
of shape (None, 8, 8, 8).
Axis 0 is the batch, -1 the last axis.
""",
)
def an_error_deep_inside_of_blocks():
    """The wrong layer is in a block inside of a block."""

    def bn_relu(x):
        return layers.ReLU()(layers.BatchNormalization(axis=4, name="bn")(x))

    def bottleneck(x):
        return layers.Conv2D(8, 1)(bn_relu(x))

    def residual_block(x):
        return layers.Add()([x, bottleneck(x)])

    residual_block(Input((8, 8, 8), name="image"))


@wrong(
    TypeError,
    """
<Tensor shape=(None, 4), dtype=float32, name=x> cannot be converted to a NumPy array: it is \
symbolic.
Use the function of the same name in `cornu.ops` instead of NumPy's; or build a model and call \
it on arrays.
This happened (at functional_models.py:2).
""",
)
def numpy_array_of_a_tensor():
    """A symbolic Tensor is converted to a NumPy array."""
    x = Input((4,), name="x")
    np.asarray(x)


@wrong(
    ValueError,
    """
<Tensor shape=(None, 4), dtype=float32, name=x> cannot be an argument of a function of JAX: it \
is symbolic.
Use `cornu.ops.sin` instead of `jnp.sin`.
This happened (at functional_models.py:2).
--------------------
For simplicity, JAX has removed its internal frames from the traceback of the following \
exception. Set JAX_TRACEBACK_FILTERING=off to include these.
""",
)
def jax_on_a_tensor():
    """A function of JAX is called on a symbolic Tensor."""
    x = Input((4,), name="x")
    jnp.sin(x)


@wrong(
    TypeError,
    """
<Tensor shape=(), dtype=bool, name=keras_tensor_1> has no truth value: it is symbolic.
Use `cornu.ops.where` or `cornu.ops.cond` instead of `if`.
This happened (at functional_models.py:2).
""",
)
def python_branch_on_a_tensor():
    """Python's `if` asks a symbolic Tensor."""
    x = Input((4,), name="x")
    y = x if x[0, 0] > 0 else -x
    Model(x, y)


@wrong(
    TypeError,
    """
<Tensor shape=(None, 4), dtype=float32, name=x> cannot be iterated over: the size of its first \
axis is not known.
Use indexing, or `cornu.ops.unstack` on another axis.
This happened (at functional_models.py:2).
""",
)
def python_loop_over_a_tensor():
    """Python's `for` goes over a symbolic Tensor."""
    x = Input((4,), name="x")
    [row * 2 for row in x]


@wrong(
    TypeError,
    """
<Tensor shape=(), dtype=float32, name=keras_tensor> cannot be converted to a number: it is \
symbolic.
Build a model from it and call the model on arrays.
This happened (at functional_models.py:2).
""",
)
def a_number_of_a_tensor():
    """A symbolic Tensor is turned into a number."""
    x = Input((4,), name="x")
    float(ops.mean(x))


@wrong(
    ValueError,
    """
add (at functional_models.py:2), called on shapes (None, 4), (None, 5): shapes (None, 4) and \
(None, 5) cannot be broadcast together.
Aligned at the last axis, sizes must be equal or 1.
""",
)
def operands_that_do_not_fit():
    """Two Tensors whose shapes do not broadcast are added."""
    a, b = Input((4,), name="a"), Input((5,), name="b")
    a + b


@wrong(
    ValueError,
    """
matmul (at functional_models.py:2), called on shapes (None, 4, 5), (4, 2): the contracted axes \
of a product have different sizes: 5 and 4.
In x @ w, the last axis of x and the second-to-last axis of w must have the same size.
""",
)
def matmul_of_different_sizes():
    """A matrix product of sizes that do not fit."""
    a = Input((4, 5), name="a")
    ops.matmul(a, np.ones((4, 2), "float32"))


@wrong(
    AttributeError,
    """
Dense layer 'features' has no output: it was not called on a symbolic Tensor, or the model that \
contained it was deleted.
Call it on a Tensor first, and keep a reference to the model. This happened (at \
functional_models.py:2).
""",
)
def output_of_an_unconnected_layer():
    """The output of a layer is asked for that was never called."""
    dense = layers.Dense(3, name="features")
    return dense.output


@wrong(
    AttributeError,
    """
Dense layer 'shared' was called 2 times, so 'output' is ambiguous. Use the Tensor that the call \
returned. This happened (at functional_models.py:3).
""",
)
def output_of_a_shared_layer():
    """The output of a layer is asked for that has two of them."""
    dense = layers.Dense(3, name="shared")
    kept = [dense(Input((4,))), dense(Input((4,)))]
    return dense.output, kept


@wrong(
    ValueError,
    """
Model 'net' has no layer 'feature'. Did you mean 'features'?
A functional model only contains layers on a path from its inputs to its outputs.
get_layer() was called (at functional_models.py:3).
""",
)
def a_layer_of_a_misspelled_name():
    """A layer is asked for by a misspelled name."""
    x = Input((4,), name="x")
    model = Model(x, layers.Dense(3, name="features")(x), name="net")
    model.get_layer("feature")


@wrong(
    ValueError,
    """
Model 'net' has 2 layers; index 5 does not exist.
get_layer() was called (at functional_models.py:3).
""",
)
def a_layer_of_a_wrong_index():
    """A layer is asked for by an index that does not exist."""
    x = Input((4,), name="x")
    model = Model(x, layers.Dense(3)(x), name="net")
    model.get_layer(index=5)


@wrong(
    AttributeError,
    """
Model 'net' has no output: it was not created with Model(inputs, outputs).
Wrap it in a functional model: x = Input(shape); outer = Model(x, model(x)). This happened (at \
functional_models.py:5).
""",
)
def outputs_of_a_subclassed_model():
    """The output Tensor of a model without a functional graph is requested."""

    class Net(Model):
        def call(self, x):
            return x

    return Net(name="net").output
