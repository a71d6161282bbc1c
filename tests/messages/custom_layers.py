"""Mistakes in layers of one's own."""

import jax.numpy as jnp
import numpy as np

from cornu import Input, Layer, Model, Sequential, Variable, layers, ops
from tests.messages.table import wrong


@wrong(
    AttributeError,
    """
Scale layer 'scale' (at custom_layers.py:8), called on shape (None, 3), failed in Scale.call (at\
 custom_layers.py:6): 'Scale' object has no attribute 'facter'
""",
)
def without_super_init():
    """super().__init__() is forgotten, and a misspelled weight is used."""

    class Scale(Layer):
        def __init__(self, factor):
            self.factor = factor

        def call(self, x):
            return x * self.facter

    Scale(2.0)(Input((3,), name="x"))


@wrong(
    TypeError,
    """
Scale layer 'scale' (at custom_layers.py:5), called on shape (None, 3): Scale.call must return \
an array. Received: None
Often a `return` is missing.
""",
)
def call_that_returns_nothing():
    """`return` is forgotten in call."""

    class Scale(Layer):
        def call(self, x):
            x * 2

    layers.Dense(3, name="dense")(Scale(name="scale")(Input((3,), name="x")))


@wrong(
    NotImplementedError,
    """
Scale layer 'scale' (at custom_layers.py:5), called on shape (None, 3): Scale does not define \
`call`.
Define `call(self, inputs)`, which returns the outputs.
""",
)
def call_is_missing():
    """call is not defined."""

    class Scale(Layer):
        def forward(self, x):
            return x * 2

    Scale(name="scale")(Input((3,), name="x"))


@wrong(
    TypeError,
    """
Exponential layer 'exponential' (at custom_layers.py:5), called on shape (None, 3), failed in \
Exponential.call (at custom_layers.py:3): a NumPy function was called on a traced value \
(float32[None,3]), which is not known while the function is traced.
Use the function of the same name in cornu.ops or jax.numpy.
""",
)
def numpy_in_call():
    """A NumPy function in call."""

    class Exponential(Layer):
        def call(self, x):
            return np.exp(x)

    Exponential(name="exponential")(Input((3,), name="x"))


@wrong(
    TypeError,
    """
Gate layer 'gate' (at custom_layers.py:7), called on shape (None, 3), failed in Gate.call (at \
custom_layers.py:3): Python's `if`, `while`, `and`, `or`, `not` and `assert` require a concrete \
bool. Received a traced value (bool[]), which is not known while the function is traced.
Use cornu.ops.where(condition, a, b) or cornu.ops.cond(condition, f, g). Conditions on shapes \
and on `training` are allowed.
""",
)
def branch_in_call():
    """Python's `if` in call asks for a value that is not known while the shape is inferred."""

    class Gate(Layer):
        def call(self, x):
            if ops.mean(x) > 0:
                return x
            return -x

    Gate(name="gate")(Input((3,), name="x"))


@wrong(
    TypeError,
    """
Normalize layer 'normalize' (at custom_layers.py:5), called on shape (None, 3), failed in \
Normalize.call (at custom_layers.py:3): float() was called on a traced value (float32[]), which \
is not known while the function is traced.
Keep it as an array: scalar arrays support arithmetic.
""",
)
def number_in_call():
    """float() of a value that is not known yet."""

    class Normalize(Layer):
        def call(self, x):
            return x / float(ops.max(x))

    Normalize(name="normalize")(Input((3,), name="x"))


@wrong(
    IndexError,
    """
Positive layer 'positive' (at custom_layers.py:5), called on shape (None, 3), failed in \
Positive.call (at custom_layers.py:3): the shape of x[condition] depends on the values of the \
condition (bool[None,3]), and shapes must be known while the function is traced.
To keep the shape of x, use cornu.ops.where(condition, x, 0).
""",
)
def length_in_call():
    """A size that depends on values."""

    class Positive(Layer):
        def call(self, x):
            return x[x > 0]

    Positive(name="positive")(Input((3,), name="x"))


@wrong(
    TypeError,
    """
Repeat layer 'repeat' (at custom_layers.py:7), called on shape (None, 3), shape (None,), failed \
in Repeat.call (at custom_layers.py:3): an integer is required (as in range(k), list[k] or a \
shape). Received an array that is not an integer scalar.
Use x.shape for sizes, cornu.ops.fori_loop for loops and cornu.ops.take for indexing.
""",
)
def range_in_call():
    """A loop whose length depends on a value."""

    class Repeat(Layer):
        def call(self, x, n):
            for _ in range(n):
                x = x * 2
            return x

    Repeat(name="repeat")(Input((3,), name="x"), Input((), dtype="int32", name="n"))


@wrong(
    TypeError,
    """
Project layer 'project' (at custom_layers.py:8), called on shape (None, 3), failed in \
Project.call (at custom_layers.py:6): a JAX function was called on Variable 'project/kernel' \
(self.kernel) itself. JAX functions accept only arrays.
Pass `variable.value`, or use the function of the same name in cornu.ops.
""",
)
def jax_function_of_a_variable():
    """A function of JAX is called on a Variable itself."""

    class Project(Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1], 2), name="kernel")

        def call(self, x):
            return jnp.dot(x, self.kernel)

    Project(name="project")(Input((3,), name="x"))


@wrong(
    TypeError,
    """
First layer 'first' (at custom_layers.py:6), called on shape (None, 3), failed in First.call (at\
 custom_layers.py:3): x[...] = y is not supported: arrays are immutable.
Use x = x.at[...].set(y) or cornu.ops.where.
""",
)
def in_place_assignment():
    """An element of an array is assigned."""

    class First(Layer):
        def call(self, x):
            x[:, 0] = 0.0
            return x

    First(name="first")(Input((3,), name="x"))


@wrong(
    ValueError,
    """
Project layer 'project' (at custom_layers.py:8), called on shape (None, 3), failed in \
Project.call (at custom_layers.py:6): the contracted axes of a product have different sizes: 3 \
and 2.
In x @ w, the last axis of x and the second-to-last axis of w must have the same size.
""",
)
def shapes_in_call():
    """Shapes that do not fit, in call."""

    class Project(Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((2, input_shape[-1]), name="kernel")

        def call(self, x):
            return x @ self.kernel

    Project(name="project")(Input((3,), name="x"))


@wrong(
    ValueError,
    """
Memory layer 'memory' (at custom_layers.py:8), called on shape (None, 3), failed in Memory.build\
 (at custom_layers.py:3): Variable 'memory/rows': A Variable's shape must contain non-negative \
integers. Received: (None, 4)
None is a size that is unknown until data arrives, such as the batch size. The shape of a weight\
 cannot depend on it. Use another axis, such as input_shape[-1], or pass the size to Input.
""",
)
def weight_of_unknown_size():
    """build makes a weight as large as the batch."""

    class Memory(Layer):
        def build(self, input_shape):
            self.rows = self.add_weight((input_shape[0], 4), name="rows")

        def call(self, x):
            return x

    Memory(name="memory")(Input((3,), name="x"))


@wrong(
    IndexError,
    """
Map layer 'map' (at custom_layers.py:8), called on shape (None, 3), failed in Map.build (at \
custom_layers.py:3): tuple index out of range. The shape may have fewer axes than expected.
Print the shape; -1 is always the index of its last axis.
""",
)
def build_with_a_misspelled_shape():
    """build looks for an axis that the input does not have."""

    class Map(Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[3], 2), name="kernel")

        def call(self, x):
            return x

    Map(name="map")(Input((3,), name="x"))


@wrong(
    RuntimeError,
    """
In bias (called at custom_layers.py:6), inputs of shape (2, 3), failed in Bias.call (at \
custom_layers.py:3): Variable 'net/bias/bias' is created inside a compiled step, and would not \
exist after the step.
Create it in the layer's constructor or in `build()`.
""",
)
def a_weight_made_in_every_call():
    """A weight is created in each call."""

    class Bias(Layer):
        def call(self, x):
            bias = Variable(jnp.zeros(3), name="bias")
            return x + bias

    model = Sequential([Input((3,), name="x"), Bias(name="bias")], name="net")
    model(np.ones((2, 3), "float32"))


@wrong(
    RuntimeError,
    """
In times (called at custom_layers.py:3), inputs of shape (2, 3): Variable 'scale' is read inside\
 a compiled step, but it is not one of the step's Variables: its value would become a constant \
of the program.
Make it an attribute of a layer, the model, a metric or the optimizer, so that it is found \
before the step is compiled.
""",
)
def a_variable_that_nobody_owns():
    """A Variable outside of every layer is read in a compiled step."""
    scale = Variable(2.0, name="scale")
    x = Input((3,), name="x")
    model = Model(x, layers.Lambda(lambda x: x * scale, name="times")(x), name="net")
    model(np.ones((2, 3), "float32"))


@wrong(
    RuntimeError,
    """
Last layer 'last' (at custom_layers.py:11), called on shape (2, 3), failed in Last.call (at \
custom_layers.py:5): a traced value (a float32[]) that was computed at custom_layers.py:6 in \
Last.call was used after tracing had ended. It was stored in self.seen.
Return it from `call`. To keep a value between calls, create a Variable with add_weight(..., \
trainable=False) in `build` and call `self.v.assign(value)`.
""",
)
def a_leaked_tracer():
    """A value of one trace is kept in an attribute and used in the next."""

    class Last(Layer):
        seen = 0.0

        def call(self, x):
            y = x + self.seen
            self.seen = ops.mean(x)
            return y

    last = Last(name="last")
    last(Input((3,), name="x"))
    last(np.ones((2, 3), "float32"))


@wrong(
    ValueError,
    """
Variable 'v' has shape (3,); a value of shape (4,) cannot be assigned to it.
Reshape the value, or create another Variable.
This happened (at custom_layers.py:2).
""",
)
def assigning_another_shape():
    """A Variable gets a value of another shape."""
    v = Variable(np.zeros(3), name="v")
    v.assign(np.zeros(4))


@wrong(
    RuntimeError,
    """
Variable 'count' is assigned inside a function that JAX traces: the traced value would leak.
Use cornu.value_and_grad(fn, variables), or cornu.pure(fn, variables) before jax.jit or \
jax.grad; or call the layer with training=False.
This happened (at custom_layers.py:4).
--------------------
For simplicity, JAX has removed its internal frames from the traceback of the following \
exception. Set JAX_TRACEBACK_FILTERING=off to include these.
""",
)
def assigning_in_a_jitted_function():
    """A Variable is assigned inside of jax.jit."""
    import jax

    count = Variable(0.0, name="count")
    jax.jit(lambda x: count.assign_add(x))(1.0)


@wrong(
    TypeError,
    """
Dense layer 'dense' (at custom_layers.py:7), called on a Tensor of torch: expected an array or a\
 symbolic Tensor, from whose shape the layer is built; received a Tensor of torch.
Convert it to an array first: numpy.asarray(x).
""",
)
def a_tensor_of_another_library():
    """A tensor of another library."""

    class Tensor:
        __module__ = "torch"

        def __repr__(self):
            return "tensor([1., 2.])"

    layers.Dense(3, name="dense")(Tensor())


@wrong(
    ValueError,
    """
Conv2D layer 'conv' in net > block (at custom_layers.py:7), called on shape (None, 8): expected \
4 axes (batch first), received 2: shape (None, 8).
Add the missing axis: x[..., None] for the channel of grayscale images, x[None] for the batch \
axis of a single sample. After Flatten, no spatial axes are left.
""",
)
def an_error_inside_of_a_subclassed_model():
    """An error in a layer of a layer of a model that is a class."""

    class Block(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.conv = layers.Conv2D(4, 3, name="conv")

        def call(self, x):
            return self.conv(x)

    class Net(Model):
        def __init__(self):
            super().__init__(name="net")
            self.block = Block(name="block")

        def call(self, x):
            return self.block(x)

    Net()(np.ones((2, 8), "float32"))


@wrong(
    TypeError,
    """
a NumPy function was called on a traced value (float32[None,3]), which is not known while the \
function is traced.
Use the function of the same name in cornu.ops or jax.numpy.
It failed in Net.call (at custom_layers.py:7); fit() was called (at custom_layers.py:11).
""",
)
def an_error_inside_of_call_while_fitting():
    """NumPy in the call of a model that is fitted."""

    class Net(Model):
        def __init__(self):
            super().__init__(name="net")
            self.dense = layers.Dense(1, name="dense")

        def call(self, x):
            return self.dense(np.log(x))

    net = Net()
    net.compile("sgd", "mse")
    net.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)


@wrong(
    TypeError,
    """
Dense layer 'dense' (at custom_layers.py:1), called on shape (None, 4): Dense.call(inputs, \
training=None): got an unexpected keyword argument 'trainning'.
Did you mean 'training'?
""",
)
def too_many_arguments_of_call():
    """call gets an argument that it does not have."""
    layers.Dense(3, name="dense")(Input((4,), name="x"), trainning=True)


@wrong(
    KeyError,
    """
'scale'
Positive layer 'positive' (at custom_layers.py:5), called on shape (None, 3), failed in \
Positive.call (at custom_layers.py:3)
""",
)
def an_exception_of_ones_own():
    """The layer itself refuses its input."""

    class Positive(Layer):
        def call(self, x):
            raise KeyError("scale")

    Positive(name="positive")(Input((3,), name="x"))


@wrong(
    ValueError,
    """
Lambda layer 'twice' (at custom_layers.py:2), called on shape (None, 3): arrays with different \
numbers of axes cannot be concatenated: (None, 3), (3,).
Add the missing axes with cornu.ops.expand_dims.
""",
)
def lambda_of_a_wrong_shape():
    """An error in the function of a Lambda layer."""
    x = Input((3,), name="x")
    layers.Lambda(lambda x: jnp.concatenate([x, x[0]]), name="twice")(x)


@wrong(
    RuntimeError,
    """
ReLU layer 'relu' (at custom_layers.py:10), called on shape (): a traced value (a float32[]) \
that was computed at custom_layers.py:5 in Watch.call was used after tracing had ended.
Return it from `call`. To keep a value between calls, create a Variable with add_weight(..., \
trainable=False) in `build` and call `self.v.assign(value)`.
""",
)
def a_side_effect():
    """A value is appended to a list while the step is traced, and read later."""
    seen = []

    class Watch(Layer):
        def call(self, x):
            seen.append(ops.mean(x))
            return x

    model = Sequential([Input((3,), name="x"), Watch(name="watch")], name="net")
    model(np.ones((2, 3), "float32"))
    layers.ReLU(name="relu")(seen[-1])
