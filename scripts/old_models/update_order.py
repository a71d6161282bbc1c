"""Makes steps of training in old Keras on TensorFlow reproducible.

In Keras 1 and 2 on TensorFlow 1 it is undefined whether a step reads a variable before or after its
update. Here a step reads the old values, as on Theano: variables are read once, and iterations are
counted after all other updates.
"""

import keras
import keras.backend.tensorflow_backend as tf_backend
import tensorflow
from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable

__all__ = ["order_updates"]

# The updates that count iterations, which must run after those that read the counters.
late = []
plain_update_add = tf_backend.update_add


def update_add(x, increment):
    late.append(plain_update_add(x, increment))
    return late[-1]


class Function(getattr(tf_backend, "Function", object)):
    """A step that updates schedules and then counters after all other updates."""

    def __init__(self, inputs, outputs, updates=(), **kwargs):
        updates = list(updates or ())
        counts = [op for op in updates if any(op is one for one in late)]
        schedules = [op for op in updates if isinstance(op, tuple) and op[0].shape.ndims == 0]
        last = counts + schedules
        first = [op for op in updates if all(op is not x for x in last)]
        super().__init__(inputs, outputs, first, **kwargs)
        self.last = [[tensorflow.assign(*pair) for pair in schedules], counts]

    def __call__(self, inputs):
        outputs = super().__call__(inputs)
        for ops in self.last:
            tf_backend.get_session().run(ops)
        return outputs


plain_function = tf_backend.function


def function(inputs, outputs, updates=(), **kwargs):
    """`keras.backend.function` of Keras 2.3 as a step that counts after all other updates."""
    updates = list(updates or ())
    counts = [op for op in updates if any(op is one for one in late)]
    first = [op for op in updates if all(op is not x for x in counts)]
    step = plain_function(inputs, outputs, updates=first, **kwargs)

    def call(values):
        outputs = step(values)
        tf_backend.get_session().run(counts)
        return outputs

    return call


def order_updates():
    tensorflow.enable_resource_variables()
    # The behavior of variables in TensorFlow 1: `if b:` tests for None, `lr *= x` makes a tensor.
    BaseResourceVariable.__bool__ = lambda self: True
    BaseResourceVariable.__imul__ = lambda self, other: self * other
    if hasattr(tf_backend, "Function"):  # until Keras 2.2
        tf_backend.Function = Function
    else:
        keras.backend.function = function
    tf_backend.update_add = keras.backend.update_add = update_add
