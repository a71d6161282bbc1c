"""Mistakes with Sequential."""

import numpy as np

import cornu
from cornu import Input, Sequential, layers
from tests.messages.table import wrong


@wrong(
    ValueError,
    """
Sequential 'net': only layers can be added. Received: <class \
'cornu.layers.reshaping.reshape.Flatten'> (of type type)
Create an instance: Flatten(...).
add() was called (at sequential.py:2).
""",
)
def adding_a_class():
    """A class is added instead of a layer."""
    model = Sequential(name="net")
    model.add(layers.Flatten)


@wrong(
    ValueError,
    """
Sequential 'net': only layers can be added. Received: <ufunc 'tanh'> (of type ufunc)
Wrap a function in Lambda(function).
add() was called (at sequential.py:2).
""",
)
def adding_a_function():
    """A function is added instead of a layer."""
    model = Sequential(name="net")
    model.add(np.tanh)


@wrong(
    ValueError,
    """
Sequential 'net': only layers can be added. Received: [<Dense name=dense, built=False>, <ReLU \
name=re_lu, built=True>] (of type list)
Add the layers one by one, or pass the list to Sequential([...]).
add() was called (at sequential.py:2).
""",
)
def adding_a_list():
    """A list is added instead of its layers."""
    model = Sequential(name="net")
    model.add([layers.Dense(3), layers.ReLU()])


@wrong(
    ValueError,
    """
Sequential 'net' already has a layer named 'fc'. Give each layer a unique name: name='...'.
Sequential() was called (at sequential.py:1).
""",
)
def two_layers_of_one_name():
    """Two layers have the same name."""
    Sequential([layers.Dense(8, name="fc"), layers.Dense(3, name="fc")], name="net")


@wrong(
    ValueError,
    """
Sequential 'net' is empty: there is no layer to remove.
pop() was called (at sequential.py:1).
""",
)
def nothing_to_pop():
    """The last layer of an empty stack is removed."""
    Sequential(name="net").pop()


@wrong(
    ValueError,
    """
MaxPooling2D layer 'pool' (at sequential.py:1), called on shape (None, 2704): expected 4 axes \
(batch first), received 2: shape (None, 2704).
Add the missing axis: x[..., None] for the channel of grayscale images, x[None] for the batch \
axis of a single sample. After Flatten, no spatial axes are left.
""",
)
def layers_that_do_not_fit():
    """A layer of the stack cannot take what the one before returns."""
    Sequential(
        [
            Input((28, 28, 1), name="image"),
            layers.Conv2D(4, 3, name="conv"),
            layers.Flatten(name="flat"),
            layers.MaxPooling2D(name="pool"),
        ],
        name="net",
    )


@wrong(
    ValueError,
    """
Sequential 'net': an Input must be the first layer; it was added after 1 layer.
For several inputs, use the Functional API: Model(inputs, outputs).
Sequential() was called (at sequential.py:1).
""",
)
def an_input_in_the_middle():
    """An Input is not the first layer."""
    Sequential([layers.Dense(3), Input((3,), name="x")], name="net")


@wrong(
    ValueError,
    """
Sequential 'net' (at sequential.py:1), called on shape (2, 4): it has no layers. Add layers \
first.
""",
)
def summary_of_nothing():
    """A model without layers is called."""
    Sequential(name="net")(np.ones((2, 4), "float32"))


@wrong(
    ValueError,
    """
Sequential layer 'net' is not built, so its weights are not known. Call it on an input, or pass \
an input shape.
count_params() was called (at sequential.py:1).
""",
)
def counting_before_building():
    """The weights of a model of unknown input are counted."""
    Sequential([layers.Dense(3)], name="net").count_params()


@wrong(
    ValueError,
    """
LSTM layer 'lstm' in net (at sequential.py:2), called on shape (None, 8): expected 3 axes (batch\
 first), received 2: shape (None, 8).
Sequences have the shape (batch, time, features). Set return_sequences=True in a preceding \
recurrent layer; add a feature axis to sequences of scalars with x[..., None].
""",
)
def data_that_a_later_layer_refuses():
    """Data builds the stack, and does not fit a layer of it."""
    model = Sequential([layers.Dense(8, name="dense"), layers.LSTM(4, name="lstm")], name="net")
    model(np.ones((2, 4), "float32"))


@wrong(
    AttributeError,
    """
Sequential 'net' has no output yet: its input shape is unknown.
Add Input(shape) as the first layer, or call the model on data first. This happened (at \
sequential.py:1).
""",
)
def output_of_an_unbuilt_model():
    """A model whose input is not known is asked for its output."""
    return Sequential([layers.Dense(3)], name="net").output


@wrong(
    TypeError,
    """
Dense has no argument 'input_size'. Did you mean 'input_shape' or 'input_dim'?
Dense() was called (at sequential.py:1).
""",
)
def an_old_argument():
    """An argument of another library."""
    cornu.layers.Dense(3, input_size=8)
