"""Functions and classes that are inserted into rewritten programs, where today's API has none.

`tests/modernize/test_helpers.py` compares them with those of the dialects.
"""

from __future__ import annotations

__all__ = ["HELPERS"]

HELPERS = {
    "hard_sigmoid": '''\
@keras.saving.register_keras_serializable()
def hard_sigmoid(x):
    """The hard sigmoid of Keras 1 and 2; that of Keras 3 has a slope of 1/6."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
''',
    "SummedOverBatch": '''\
@keras.saving.register_keras_serializable()
class SummedOverBatch(keras.regularizers.Regularizer):
    """A penalty on outputs that is summed over the batch, which Keras 3 divides by its size."""

    def __init__(self, penalty):
        self.penalty = keras.regularizers.get(penalty)

    def __call__(self, x):
        return self.penalty(x) * keras.ops.cast(keras.ops.shape(x)[0], x.dtype)

    def get_config(self):
        return {'penalty': keras.saving.serialize_keras_object(self.penalty)}
''',
    "PerGate": '''\
@keras.saving.register_keras_serializable()
class PerGate(keras.initializers.Initializer):
    """Initializes each gate of a recurrent layer by itself, as Keras 1 does."""

    def __init__(self, initializer, gates):
        self.initializer = initializer
        self.gates = gates

    def __call__(self, shape, dtype=None):
        block = (*shape[:-1], shape[-1] // self.gates)
        parts = [keras.initializers.get(self.initializer)(block, dtype) for _ in range(self.gates)]
        return keras.ops.concatenate(parts, axis=-1)

    def get_config(self):
        initializer = keras.saving.serialize_keras_object(self.initializer)
        return {'initializer': initializer, 'gates': self.gates}
''',
    "rnn": '''\
def rnn(step_function, inputs, initial_states):
    """Iterates over the second axis of the inputs, as `K.rnn` did."""

    def step(states, x):
        output, states = step_function(x, list(states))
        return list(states), output

    steps = keras.ops.swapaxes(inputs, 0, 1)
    states, outputs = keras.ops.scan(step, list(initial_states), steps)
    outputs = keras.ops.swapaxes(outputs, 0, 1)
    return outputs[:, -1], outputs, states
''',
    "inputs_of": '''\
def inputs_of(*models):
    """Returns the inputs of several models, each once."""
    return list({id(x): x for model in models for x in model.inputs}.values())
''',
}
