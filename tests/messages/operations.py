"""Functions of cornu.ops called on what they cannot take."""

import numpy as np

from cornu import Input, losses, ops
from tests.messages.table import wrong


@wrong(
    ValueError,
    """
matmul (at operations.py:1), called on shapes (2, 3), (2, 3): the contracted axes of a product \
have different sizes: 3 and 2.
In x @ w, the last axis of x and the second-to-last axis of w must have the same size.
""",
)
def product_of_arrays_that_do_not_fit():
    """A matrix product of arrays of the wrong sizes."""
    ops.matmul(np.ones((2, 3)), np.ones((2, 3)))


@wrong(
    ValueError,
    """
concatenate (at operations.py:1), called on shapes (2, 3), (2, 4): arrays concatenated along \
axis 0 differ on another axis: (2, 3), (2, 4).
The sizes on all other axes must be equal.
""",
)
def joined_along_the_wrong_axis():
    """Arrays are joined along an axis and differ on another."""
    ops.concatenate([np.ones((2, 3)), np.ones((2, 4))], axis=0)


@wrong(
    ValueError,
    """
reshape (at operations.py:1), called on shapes (2, 3): an array of shape (2, 3), with 6 \
elements, cannot be reshaped to (4, 2), with 8 elements.
One size may be -1; it is inferred from the others.
""",
)
def reshaped_to_another_size():
    """An array gets a shape with another number of elements."""
    ops.reshape(np.ones((2, 3)), (4, 2))


@wrong(
    TypeError,
    """
sum (at operations.py:1), called on shapes (2,): expected numbers or arrays of numbers, received\
 an array of strings or objects.
Convert strings and objects to numbers first. None is often the result of a function without \
`return`.
""",
)
def sum_of_strings():
    """Strings are added up."""
    ops.sum(np.array(["a", "b"]))


@wrong(
    ValueError,
    """
mean (at operations.py:1), called on shapes (2, 3): axis 2 is out of bounds for an array with 2 \
axes.
Print the shape; -1 is always the index of the last axis.
""",
)
def an_axis_that_is_not_there():
    """A mean over an axis that the array does not have."""
    ops.mean(np.ones((2, 3)), axis=2)


@wrong(
    ValueError,
    """
mean_squared_error (at operations.py:1), called on shapes (4, 3), (4, 2): y_true has shape (4, \
3) and y_pred has shape (4, 2); they must be equal, except for a last axis of size 1.
The model must have as many outputs as there are labels. Change the model or reshape the labels.
""",
)
def a_loss_of_different_shapes():
    """A loss is called on arrays that do not broadcast."""
    losses.MeanSquaredError()(np.ones((4, 3)), np.ones((4, 2)))


@wrong(
    TypeError,
    """
add (at operations.py:1), called on shapes (None,): expected numbers, received a Tensor of \
strings.
Convert strings to numbers first, with TextVectorization, StringLookup or Hashing.
""",
)
def an_op_on_an_input_of_strings():
    """An operation on an input of strings."""
    ops.add(Input((), dtype="string", name="text"), 1)
