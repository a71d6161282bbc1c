"""Names: models put together, and settings."""

import numpy as np

import cornu
from cornu import Input, Model, Sequential, layers
from cornu.errors import ModelWarning
from tests.messages.table import wrong


@wrong(
    ValueError,
    """
Model 'both' has no layer 'features'. It contains 'one/features'.
get_layer() was called (at names.py:5).
""",
)
def a_layer_name_in_two_models():
    """Two models with layers of one name are put together, and a layer is asked for by it."""
    x = Input((4,), name="x")
    one = Sequential([Input((4,)), layers.Dense(3, name="features")], name="one")
    two = Sequential([Input((4,)), layers.Dense(3, name="features")], name="two")
    both = Model(x, layers.Add()([one(x), two(x)]), name="both")
    both.get_layer("features")


@wrong(
    ValueError,
    """
Sequential 'whole' already has a layer named 'part'. Give each layer a unique name: name='...'.
Sequential() was called (at names.py:2).
""",
)
def two_models_of_one_name():
    """Two models of one name in a Sequential."""
    parts = [Sequential([layers.Dense(3)], name="part") for _ in range(2)]
    Sequential(parts, name="whole")


@wrong(
    ValueError,
    """
floatx must be one of bfloat16, float16, float32, float64. Received: 'float'
set_floatx() was called (at names.py:1).
""",
)
def floatx_misspelled():
    """A float type that does not exist."""
    cornu.config.set_floatx("float")


@wrong(
    ValueError,
    """
Unknown dtype policy 'mixed_bfloat'. Did you mean 'mixed_bfloat16' or 'mixed_float16'?
set_dtype_policy() was called (at names.py:1).
""",
)
def policy_misspelled():
    """A dtype policy that does not exist."""
    cornu.config.set_dtype_policy("mixed_bfloat")


@wrong(
    ValueError,
    """
image_data_format must be 'channels_last' or 'channels_first'. Received: 'channelslast'
set_image_data_format() was called (at names.py:1).
""",
)
def image_data_format_misspelled():
    """An order of axes that does not exist."""
    cornu.config.set_image_data_format("channelslast")


@wrong(
    ValueError,
    """
Model 'net': input 'image' is missing. Received the names ['head']. The model has the inputs \
['image'].
Did you mean 'image' instead of 'head'?
predict() was called (at names.py:3).
""",
)
def input_names_exchanged():
    """A dict with the name of a layer instead of the input's."""
    image = Input((4,), name="image")
    model = Model({"image": image}, layers.Dense(2, name="head")(image), name="net")
    model.predict({"head": np.ones((2, 4))})


@wrong(
    ValueError,
    """
Dense: the name must be a string without '/'. Received: 7
Dense() was called (at names.py:1).
""",
)
def a_name_that_is_no_text():
    """A number as the name of a layer."""
    layers.Dense(3, name=7)


@wrong(
    ModelWarning,
    """
C022 Conv1D layer 'conv' received an input with a mask and does not support masking: the layers \
after it receive no mask. Call it before the layer that creates the mask, or set its attribute \
`supports_masking = True` if the mask is valid for its output, too.
Conv1D layer 'conv' (at names.py:6), called on shape (None, 6, 4)
""",
)
def a_mask_that_gets_lost():
    """A layer that cannot pass a mask on loses it."""
    import warnings

    warnings.simplefilter("error")
    ids = Input((6,), dtype="int32", name="ids")
    x = layers.Embedding(5, 4, mask_zero=True, name="words")(ids)
    layers.Conv1D(2, 3, name="conv")(x)
