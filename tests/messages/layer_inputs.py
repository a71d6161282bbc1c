"""Layers called on what they cannot take."""

import numpy as np

from cornu import Input, Model, Sequential, layers
from tests.messages.table import wrong


@wrong(
    ValueError,
    """
Dense layer 'dense' (at layer_inputs.py:1), called on shape (4,): expected at least 2 axes, \
received 1: shape (4,).
The batch axis seems to be missing: pass x[None] for a single sample.
""",
)
def dense_on_a_vector():
    """A single sample without the batch axis."""
    layers.Dense(3, name="dense")(np.ones(4, "float32"))


@wrong(
    ValueError,
    """
Dense layer 'dense' (at layer_inputs.py:3), called on shape (None, 5): expected size 4 on axis \
-1, received 5: shape (None, 5).
The weights were created for that size by the first call: use another layer for inputs of \
another size.
""",
)
def dense_of_another_size():
    """A built layer is called on another number of features."""
    dense = layers.Dense(3, name="dense")
    dense(Input((4,)))
    dense(Input((5,)))


@wrong(
    ValueError,
    """
Conv2D layer 'conv' (at layer_inputs.py:2), called on shape (None, 28, 28): expected 4 axes \
(batch first), received 3: shape (None, 28, 28).
Add the missing axis: x[..., None] for the channel of grayscale images, x[None] for the batch \
axis of a single sample. After Flatten, no spatial axes are left.
""",
)
def conv_on_grey_images():
    """Images without the axis of channels."""
    images = Input((28, 28), name="images")
    layers.Conv2D(8, 3, name="conv")(images)


@wrong(
    ValueError,
    """
Conv2D layer 'conv' (at layer_inputs.py:1), called on shape (2, 28, 28): expected 4 axes (batch \
first), received 3: shape (2, 28, 28).
Add the missing axis: x[..., None] for the channel of grayscale images, x[None] for the batch \
axis of a single sample. After Flatten, no spatial axes are left.
""",
)
def conv_on_arrays_of_grey_images():
    """The same on arrays."""
    layers.Conv2D(8, 3, name="conv")(np.ones((2, 28, 28), "float32"))


@wrong(
    ValueError,
    """
Conv2D layer 'conv' (at layer_inputs.py:2), called on shape (None, 4, 4, 3): The convolution has\
 no output: the input of shape (None, 4, 4, 3) (channels_last) is smaller than the kernel of \
shape (5, 5, 3, 8) with padding='valid', dilation_rate=(1, 1). Use padding='same', or a larger \
input.
""",
)
def kernel_larger_than_the_image():
    """The kernel is larger than what it moves over."""
    x = Input((4, 4, 3), name="x")
    layers.Conv2D(8, 5, name="conv")(x)


@wrong(
    ValueError,
    """
MaxPooling2D layer 'max_pooling2d_3' (at layer_inputs.py:3), called on shape (None, 1, 1, 4): \
the window (2, 2) is larger than the input: the spatial sizes must be at least (2, 2). Received \
an input of shape (None, 1, 1, 4) with data_format='channels_last'.
""",
)
def pooled_to_nothing():
    """A deep stack of pooling layers on small images."""
    x = Input((8, 8, 1), name="x")
    for _ in range(4):
        x = layers.MaxPooling2D(2)(layers.Conv2D(4, 3, padding="same")(x))


@wrong(
    ValueError,
    """
Conv2D layer 'conv' (at layer_inputs.py:2), called on shape (None, 8, 8, 3): the channels of the\
 input must be divisible by `groups`. Received: groups=2 and 3 channels, input of shape (None, \
8, 8, 3)
`groups` must divide both the channels and the filters.
""",
)
def channels_that_groups_do_not_divide():
    """The number of groups does not divide the channels."""
    x = Input((8, 8, 3), name="x")
    layers.Conv2D(8, 3, groups=2, name="conv")(x)


@wrong(
    ValueError,
    """
LSTM layer 'lstm' (at layer_inputs.py:2), called on shape (None, 16): expected 3 axes (batch \
first), received 2: shape (None, 16).
Sequences have the shape (batch, time, features). Set return_sequences=True in a preceding \
recurrent layer; add a feature axis to sequences of scalars with x[..., None].
""",
)
def lstm_on_two_axes():
    """An LSTM without an axis of time."""
    x = Input((16,), name="x")
    layers.LSTM(4, name="lstm")(x)


@wrong(
    ValueError,
    """
LSTM layer 'second' (at layer_inputs.py:3), called on shape (None, 4): expected 3 axes (batch \
first), received 2: shape (None, 4).
Sequences have the shape (batch, time, features). Set return_sequences=True in a preceding \
recurrent layer; add a feature axis to sequences of scalars with x[..., None].
""",
)
def stacked_lstm():
    """A second LSTM on one that returns its last output only."""
    x = Input((10, 16), name="x")
    h = layers.LSTM(4, name="first")(x)
    layers.LSTM(4, name="second")(h)


@wrong(
    ValueError,
    """
GRU layer 'gru' (at layer_inputs.py:2), called on shape (None, 10, 16), shape (None, 5): \
expected initial states of shape (batch, 4), received (None, 5).
The size of a state is the number of units.
""",
)
def rnn_state_of_another_size():
    """The initial state has another size than the layer's units."""
    x, state = Input((10, 16), name="x"), Input((5,), name="state")
    layers.GRU(4, name="gru")(x, initial_state=state)


@wrong(
    ValueError,
    """
LSTM layer 'lstm' (at layer_inputs.py:2), called on shape (None, 10, 16), shape [(None, 4)]: \
expected 2 states in initial_state, received 1.
Pass a list of all states, such as [h, c] for an LSTM.
""",
)
def lstm_with_one_state():
    """An LSTM gets one initial state and needs two."""
    x, state = Input((10, 16), name="x"), Input((4,), name="state")
    layers.LSTM(4, name="lstm")(x, initial_state=[state])


@wrong(
    ValueError,
    """
Dense layer 'dense' (at layer_inputs.py:2), called on shape (None, None): the size of axis -1 \
must be known, because the shape of the weights depends on it. Received the input shape (None, \
None).
Specify the size in `Input`, or reduce the axis before, for example with GlobalAveragePooling2D.
""",
)
def dense_behind_flatten_of_unknown_size():
    """Dense needs to know a size that Flatten cannot tell."""
    x = Input((None, 3), name="x")
    layers.Dense(2, name="dense")(layers.Flatten()(x))


@wrong(
    ValueError,
    """
Reshape layer 'reshape' (at layer_inputs.py:2), called on shape (None, 10): cannot reshape a \
sample of shape (10,), with 10 elements, to (3, 4), with 12 elements.
One size may be -1, to be inferred from the others. The batch axis is not part of target_shape.
""",
)
def reshape_to_another_size():
    """Reshape to a shape with another number of elements."""
    x = Input((10,), name="x")
    layers.Reshape((3, 4), name="reshape")(x)


@wrong(
    ValueError,
    """
Permute layer 'permute': dims must be a permutation of 1, ..., 2; axis 0, the batch, is not \
included. Received: (0, 1)
Permute() was called (at layer_inputs.py:2).
""",
)
def permute_of_missing_axes():
    """Permute counts axes from 1, and has to name all."""
    x = Input((10, 4), name="x")
    layers.Permute((0, 1), name="permute")(x)


@wrong(
    ValueError,
    """
BatchNormalization layer 'norm' (at layer_inputs.py:2), called on shape (None, 10, 4): axis 3 is\
 out of bounds for an input of shape (None, 10, 4).
Axis 0 is the batch, -1 the last axis.
""",
)
def batch_normalization_of_a_missing_axis():
    """BatchNormalization along an axis that is not there."""
    x = Input((10, 4), name="x")
    layers.BatchNormalization(axis=3, name="norm")(x)


@wrong(
    ValueError,
    """
Input 'x', which feeds layer 'words': expected integer indices, received values with fractions. \
Convert categories or words to integers first; for continuous features use Dense.
predict() was called (at layer_inputs.py:2).
""",
)
def embedding_of_floats():
    """Embedding gets floats instead of ids."""
    model = Sequential([Input((2,), name="x"), layers.Embedding(10, 4, name="words")], name="net")
    model.predict(np.array([[0.5, 1.5]]))


@wrong(
    TypeError,
    """
MultiHeadAttention layer 'attention' (at layer_inputs.py:2), called on shape (None, 10, 16): \
MultiHeadAttention.call(query, value, key=None, query_mask=None, value_mask=None, key_mask=None,\
 attention_mask=None, return_attention_scores=False, training=None, use_causal_mask=False): \
missing a required argument: 'value'.
""",
)
def attention_without_value():
    """MultiHeadAttention is called like a layer of one input."""
    x = Input((10, 16), name="x")
    layers.MultiHeadAttention(num_heads=2, key_dim=8, name="attention")(x)


@wrong(
    ValueError,
    """
Dot layer 'similarity' (at layer_inputs.py:2), called on shape [(None, 4), (None, 5)]: the sizes\
 along axes=1 differ: 4 and 5. Received the shapes (None, 4) and (None, 5).
""",
)
def dot_along_different_sizes():
    """Dot along axes of different sizes."""
    a, b = Input((4,), name="a"), Input((5,), name="b")
    layers.Dot(axes=1, name="similarity")([a, b])


@wrong(
    ValueError,
    """
TimeDistributed layer 'each' (at layer_inputs.py:2), called on shape (None, 16): expected an \
input (batch, time, ...) with at least 3 axes; received the shape (None, 16).
If there is no time axis, call the layer directly.
""",
)
def time_distributed_without_time():
    """TimeDistributed on an input without an axis of time."""
    x = Input((16,), name="x")
    layers.TimeDistributed(layers.Dense(2), name="each")(x)


@wrong(
    TypeError,
    """
Dense layer 'dense' (at layer_inputs.py:1), called on shape (1, 2): expected an array of \
numbers, received an array of strings.
Convert it to numbers first: categories to integers, texts to token ids.
""",
)
def strings_into_a_layer():
    """A layer is called on strings."""
    layers.Dense(3, name="dense")(np.array([["a", "b"]]))


@wrong(
    TypeError,
    """
Dense layer 'dense' (at layer_inputs.py:1), called on a list: expected an array or a symbolic \
Tensor, from whose shape the layer is built; received a list.
Convert it to an array first: numpy.asarray(x).
""",
)
def lists_into_a_layer():
    """A layer is called on a nested list."""
    layers.Dense(3, name="dense")([[1.0, 2.0]])


@wrong(
    TypeError,
    """
Dense layer 'dense' (at layer_inputs.py:1), called on None: expected an array or a symbolic \
Tensor, from whose shape the layer is built; received None.
A common cause is a function without a `return` statement.
""",
)
def none_into_a_layer():
    """A function that forgot its `return` made the input."""
    layers.Dense(3, name="dense")(None)


@wrong(
    TypeError,
    """
Dense has no argument 'activaton'. Did you mean 'activation'?
Dense() was called (at layer_inputs.py:1).
""",
)
def units_misspelled():
    """An argument's name is misspelled."""
    layers.Dense(units=3, activaton="relu")


@wrong(
    ValueError,
    """
Dense layer 'dense': units must be a positive integer. Received: -3
Dense() was called (at layer_inputs.py:1).
""",
)
def negative_units():
    """A size is no positive integer."""
    layers.Dense(-3, name="dense")


@wrong(
    ValueError,
    """
Dense layer 'dense': units must be a positive integer. Received: 32.0
Write units=32, or divide with //.
Dense() was called (at layer_inputs.py:1).
""",
)
def float_units():
    """A size was computed by a division."""
    layers.Dense(64 / 2, name="dense")


@wrong(
    ValueError,
    """
Dropout layer 'drop': rate must be a number between 0 and 1. Received: 50
Write 0.5 for 50 percent.
Dropout() was called (at layer_inputs.py:1).
""",
)
def dropout_in_percent():
    """The rate of Dropout is a fraction."""
    layers.Dropout(50, name="drop")


@wrong(
    ValueError,
    """
Conv2D layer 'conv': unknown `padding` 'some'. Did you mean 'same'?
Conv2D() was called (at layer_inputs.py:1).
""",
)
def padding_misspelled():
    """A word that the layer does not know."""
    layers.Conv2D(8, 3, padding="some", name="conv")


@wrong(
    ValueError,
    """
data_format must be 'channels_last', 'channels_first' or None. Received: 'channel_last'
Conv2D() was called (at layer_inputs.py:1).
""",
)
def data_format_misspelled():
    """The order of axes is misspelled."""
    layers.Conv2D(8, 3, data_format="channel_last", name="conv")


@wrong(
    ValueError,
    """
Conv2D layer 'conv': `kernel_size` must be an integer of at least 1, or 2 of them. Received: (3,\
 3, 3)
Conv2D() was called (at layer_inputs.py:1).
""",
)
def kernel_size_of_three_numbers():
    """Conv2D gets a kernel for three axes."""
    layers.Conv2D(8, (3, 3, 3), name="conv")


@wrong(
    ValueError,
    """
Unknown activation 'rellu'. Did you mean 'relu' or 'relu6'?
Dense() was called (at layer_inputs.py:1).
""",
)
def activation_misspelled():
    """An activation function of a misspelled name."""
    layers.Dense(3, activation="rellu")


@wrong(
    ValueError,
    """
Unknown initializer 'glorot_unifrom'. Did you mean 'glorot_uniform', 'GlorotUniform' or \
'glorot_normal'?
Dense() was called (at layer_inputs.py:1).
""",
)
def initializer_misspelled():
    """An initializer of a misspelled name."""
    layers.Dense(3, kernel_initializer="glorot_unifrom")


@wrong(
    ValueError,
    """
Unknown dtype policy 'mixed_floatl6'. Did you mean 'mixed_float16' or 'mixed_bfloat16'?
Dense() was called (at layer_inputs.py:1).
""",
)
def dtype_misspelled():
    """A dtype policy of a misspelled name."""
    layers.Dense(3, dtype="mixed_floatl6")


@wrong(
    ValueError,
    """
Dense: the name must be a string without '/'. Received: 'head/out'
Dense() was called (at layer_inputs.py:1).
""",
)
def name_with_a_slash():
    """A name that would be a path."""
    layers.Dense(3, name="head/out")


@wrong(
    ValueError,
    """
Model 'net' (at layer_inputs.py:3), called on shape (8, 5): input 'pixels' expects the shape \
(None, 4); received (8, 5).
Reshape the data, or change the shape of the Input.
""",
)
def model_called_on_another_shape():
    """A functional model is called on data of another shape."""
    pixels = Input((4,), name="pixels")
    model = Model(pixels, layers.Dense(3)(pixels), name="net")
    model(np.ones((8, 5), "float32"))


@wrong(
    ValueError,
    """
Model 'net' (at layer_inputs.py:3), called on shape (4,): input 'pixels' expects the shape \
(None, 4); received (4,).
The batch axis seems to be missing: pass x[None] for a single sample.
""",
)
def model_called_on_one_sample():
    """A functional model is called on a sample without the batch axis."""
    pixels = Input((4,), name="pixels")
    model = Model(pixels, layers.Dense(3)(pixels), name="net")
    model(np.ones(4, "float32"))


@wrong(
    ValueError,
    """
In compare > difference (called at layer_inputs.py:4), inputs of shape (1, 3, 4), (1, 5, 4): \
sub: shapes (1, 3, 4) and (1, 5, 4) cannot be broadcast together.
Aligned at the last axis, sizes must be equal or 1.
""",
)
def sizes_that_only_data_shows():
    """Two sequences of unknown lengths turn out to be of different lengths."""
    a, b = Input((None, 4), name="a"), Input((None, 4), name="b")

    def compare(x, y):
        return layers.Subtract(name="difference")([x, y])

    model = Model([a, b], compare(a, b), name="net")
    model([np.ones((1, 3, 4), "float32"), np.ones((1, 5, 4), "float32")])


@wrong(
    MemoryError,
    """
Dense layer 'dense' (at layer_inputs.py:2), called on shape (None, 10000000000): not enough \
memory: Unable to allocate 3.55 PiB for an array with shape (10000000000, 100000) and data type \
float32.
Reduce the layer or its input: apply pooling or strides before Flatten and Dense.
""",
)
def more_memory_than_there_is():
    """A Dense layer on flattened large images."""
    image = Input((100_000, 100_000), name="image")
    layers.Dense(100_000, name="dense")(layers.Flatten()(image))


@wrong(
    ValueError,
    """
Dense layer 'dense' has 2 weights; received 1 array.
Expected, in this order: dense/kernel (4, 3), dense/bias (3,).
set_weights() was called (at layer_inputs.py:3).
""",
)
def weights_of_another_number():
    """set_weights with too few arrays."""
    dense = layers.Dense(3, name="dense")
    dense.build((None, 4))
    dense.set_weights([np.ones((4, 3))])


@wrong(
    ValueError,
    """
Dense layer 'dense': weight 'dense/kernel' has the shape (4, 3); received (3, 4). No weight was \
changed.
Pass its transpose.
set_weights() was called (at layer_inputs.py:3).
""",
)
def weights_of_another_shape():
    """set_weights with a transposed kernel."""
    dense = layers.Dense(3, name="dense")
    dense.build((None, 4))
    dense.set_weights([np.ones((3, 4)), np.ones(3)])


@wrong(
    ValueError,
    """
Concatenate layer 'join' (at layer_inputs.py:1), called on shape (None, 4): expected a list of \
arrays, received one of shape (None, 4).
Pass a list: layer([a, b]).
""",
)
def sequential_of_two_inputs():
    """Sequential holds one layer after another: no layer of two inputs."""
    Sequential([Input((4,), name="x"), layers.Concatenate(name="join")], name="net")


@wrong(
    TypeError,
    """
Dense layer 'dense' (at layer_inputs.py:1), called on shape (None,): expected numbers, received \
a Tensor of strings.
Convert strings to numbers first, with TextVectorization, StringLookup or Hashing.
""",
)
def dense_on_strings():
    """A layer of numbers on an input of strings."""
    layers.Dense(3, name="dense")(Input((), dtype="string", name="text"))


@wrong(
    TypeError,
    """
StringLookup layer 'lookup' (at layer_inputs.py:1), called on shape (None, 1): expected strings,\
 received a Tensor of float32.
Create the input with Input(shape, dtype='string'); for numbers use a layer of numbers, such as \
IntegerLookup or Hashing.
""",
)
def a_lookup_of_strings_on_numbers():
    """A layer of strings on an input of numbers."""
    layers.StringLookup(vocabulary=["a"], name="lookup")(Input((1,), name="number"))
