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
    "OldRMSprop": '''\
@keras.saving.register_keras_serializable()
class OldRMSprop(keras.optimizers.Optimizer):
    """RMSprop of Keras 1 and 2, with epsilon outside the root; in Keras 3 it is under the root."""

    def __init__(self, learning_rate=0.001, rho=0.9, epsilon=1e-07, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.squares = self.add_optimizer_variables(variables, 'square')

    def update_step(self, gradient, variable, learning_rate):
        square = self.squares[self._get_variable_index(variable)]
        rate = keras.ops.cast(learning_rate, variable.dtype)
        mean = self.rho * square + (1 - self.rho) * keras.ops.square(gradient)
        self.assign(square, mean)
        self.assign_sub(variable, rate * gradient / (keras.ops.sqrt(mean) + self.epsilon))

    def get_config(self):
        return {**super().get_config(), 'rho': self.rho, 'epsilon': self.epsilon}
''',
    "OldAdagrad": '''\
@keras.saving.register_keras_serializable()
class OldAdagrad(keras.optimizers.Optimizer):
    """Adagrad of Keras 1 and 2, with epsilon outside the root; in Keras 3 it is under the root."""

    def __init__(
        self, learning_rate=0.01, epsilon=1e-07, initial_accumulator_value=0.0, **kwargs
    ):
        super().__init__(learning_rate, **kwargs)
        self.epsilon = epsilon
        self.initial_accumulator_value = initial_accumulator_value

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        initial = keras.initializers.Constant(self.initial_accumulator_value)
        self.squares = self.add_optimizer_variables(variables, 'square', initial)

    def update_step(self, gradient, variable, learning_rate):
        square = self.squares[self._get_variable_index(variable)]
        rate = keras.ops.cast(learning_rate, variable.dtype)
        total = square + keras.ops.square(gradient)
        self.assign(square, total)
        self.assign_sub(variable, rate * gradient / (keras.ops.sqrt(total) + self.epsilon))

    def get_config(self):
        own = {'epsilon': self.epsilon, 'initial_accumulator_value': self.initial_accumulator_value}
        return {**super().get_config(), **own}
''',
    "OldNadam": '''\
@keras.saving.register_keras_serializable()
class OldNadam(keras.optimizers.Optimizer):
    """Nadam of Keras 1 and 2: its momentum follows 0.96 ** (schedule_decay * step)."""

    def __init__(
        self, learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-07, schedule_decay=0.004,
        **kwargs
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.schedule_decay = schedule_decay

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.means = self.add_optimizer_variables(variables, 'mean')
        self.squares = self.add_optimizer_variables(variables, 'square')
        self.products = [self.add_variable((), 'ones', name='product') for _ in variables]

    def update_step(self, gradient, variable, learning_rate):
        ops, index = keras.ops, self._get_variable_index(variable)
        mean, square = self.means[index], self.squares[index]
        step = ops.cast(self.iterations + 1, 'float32')
        beta_2 = ops.convert_to_tensor(self.beta_2, 'float32')  # 1 - beta_2 cancels in step 1
        times = (self.schedule_decay * step, self.schedule_decay * (step + 1))
        now, ahead = (self.beta_1 * (1 - 0.5 * 0.96**t) for t in times)
        product = self.products[index] * now
        new_mean = self.beta_1 * mean + (1 - self.beta_1) * gradient
        new_square = beta_2 * square + (1 - beta_2) * ops.square(gradient)
        self.assign(mean, new_mean)
        self.assign(square, new_square)
        self.assign(self.products[index], product)
        corrected = (1 - now) / (1 - product) * gradient + ahead / (1 - product * ahead) * new_mean
        root = ops.sqrt(new_square / (1 - beta_2**step)) + self.epsilon
        self.assign_sub(variable, ops.cast(learning_rate * corrected / root, variable.dtype))

    def get_config(self):
        names = ('beta_1', 'beta_2', 'epsilon', 'schedule_decay')
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
''',
    "inputs_of": '''\
def inputs_of(*models):
    """Returns the inputs of several models, each once."""
    return list({id(x): x for model in models for x in model.inputs}.values())
''',
}
