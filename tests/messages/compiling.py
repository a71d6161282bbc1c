"""Mistakes in compile()."""

import numpy as np

import cornu
from cornu import Input, Model, Sequential, layers
from tests.messages.table import wrong


@wrong(
    ValueError,
    """
Unknown optimizer 'adamm'. Did you mean 'Adam', 'AdamW' or 'Adamax'?
compile() was called (at compiling.py:2).
""",
)
def optimizer_misspelled():
    """An optimizer of a misspelled name."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adamm", "mse")


@wrong(
    ValueError,
    """
Unknown loss 'categorical_crossentropi'. Did you mean 'categorical_crossentropy', \
'CategoricalCrossentropy' or 'categorical_focal_crossentropy'?
compile() was called (at compiling.py:2).
""",
)
def loss_misspelled():
    """A loss of a misspelled name."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adam", "categorical_crossentropi")


@wrong(
    ValueError,
    """
Unknown metric 'acuracy'. Did you mean 'accuracy' or 'Accuracy'?
compile() was called (at compiling.py:2).
""",
)
def metric_misspelled():
    """A metric of a misspelled name."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adam", "mse", metrics=["acuracy"])


@wrong(
    TypeError,
    """
Sequential.compile() got an unexpected keyword argument 'debug_nans'. It is an argument of \
fit().
compile() was called (at compiling.py:2).
""",
)
def argument_of_another_method():
    """An argument of fit is passed to compile."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adam", "mse", debug_nans=True)


@wrong(
    ValueError,
    """
Unknown optimizer 'mse'. There is a loss with this name.
compile() was called (at compiling.py:2).
""",
)
def loss_as_optimizer():
    """The first two arguments are exchanged."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("mse", "adam")


@wrong(
    ValueError,
    """
An optimizer must be a name, a config, an Optimizer or an Optax transformation. Received: 0.01
Pass a learning rate to an optimizer: Adam(learning_rate=0.001).
compile() was called (at compiling.py:2).
""",
)
def a_number_as_optimizer():
    """A learning rate is given instead of an optimizer."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile(0.01, "mse")


@wrong(
    ValueError,
    """
loss: the model has no output 'gender'. Known: age, sex.
compile() was called (at compiling.py:3).
""",
)
def loss_of_an_unknown_output():
    """A loss for an output that the model does not have."""
    x = Input((4,), name="x")
    model = Model(x, [layers.Dense(1, name="age")(x), layers.Dense(2, name="sex")(x)], name="net")
    model.compile("adam", {"age": "mse", "gender": "mse"})


@wrong(
    ValueError,
    """
metrics: the model has no output 'ages'. Did you mean 'age'?
compile() was called (at compiling.py:3).
""",
)
def metric_of_an_unknown_output():
    """A metric for an output that the model does not have."""
    x = Input((4,), name="x")
    model = Model(x, [layers.Dense(1, name="age")(x), layers.Dense(2, name="sex")(x)], name="net")
    model.compile("adam", "mse", metrics={"ages": "mae"})


@wrong(
    ValueError,
    """
loss: the model has 2 outputs (age, sex); received a list of 1.
Pass one entry for each output, or a dict by output name.
compile() was called (at compiling.py:3).
""",
)
def too_few_losses():
    """A list with too few losses."""
    x = Input((4,), name="x")
    model = Model(x, [layers.Dense(1, name="age")(x), layers.Dense(2, name="sex")(x)], name="net")
    model.compile("adam", ["mse"])


@wrong(
    ValueError,
    """
Optimizer 'sgd': learning_rate must be at least 0. Received: -0.1
To maximize instead of minimize, change the sign of the loss.
SGD() was called (at compiling.py:1).
""",
)
def negative_learning_rate():
    """A learning rate below zero."""
    cornu.optimizers.SGD(learning_rate=-0.1)


@wrong(
    ValueError,
    """
Optimizer 'adam': learning_rate must be a number, a LearningRateSchedule or a function without \
arguments. Received: '0.001'
Convert the string to a number: float(...).
Adam() was called (at compiling.py:1).
""",
)
def learning_rate_as_text():
    """A learning rate read from a file and not turned into a number."""
    cornu.optimizers.Adam(learning_rate="0.001")


@wrong(
    ValueError,
    """
Optimizer 'adam' has no argument 'lr'. Today it is called 'learning_rate'.
Adam() was called (at compiling.py:1).
""",
)
def an_old_learning_rate():
    """The learning rate under its name of Keras 1 and 2."""
    cornu.optimizers.Adam(lr=0.001)


@wrong(
    ValueError,
    """
Optimizer 'adam': only one of clipnorm, clipvalue and global_clipnorm can be given. Received: \
1.0, 0.5, None
Adam() was called (at compiling.py:1).
""",
)
def two_kinds_of_clipping():
    """An optimizer with two kinds of clipping."""
    cornu.optimizers.Adam(clipnorm=1.0, clipvalue=0.5)


@wrong(
    ValueError,
    """
Optimizer 'adam' was not built with 'out/kernel', 'out/bias'.
In a model whose layers have changed, call `compile` again. Otherwise, create a new optimizer \
for other Variables, or build it with all of them.
fit() was called (at compiling.py:5).
""",
)
def optimizer_of_another_model():
    """An optimizer is used for a second model."""
    optimizer = cornu.optimizers.Adam()
    for name in ("first", "second"):
        model = Sequential([Input((4,)), layers.Dense(1, name="out")], name=name)
        model.compile(optimizer, "mse")
        model.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)


@wrong(
    TypeError,
    """
Expected a name, a config or an object in metrics. Received: 0.5 (of type float)
compile() was called (at compiling.py:2).
""",
)
def metrics_of_no_kind():
    """Something that is no metric."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adam", "mse", metrics=[0.5])


@wrong(
    ValueError,
    """
loss_weights: the weight of output 'dense' must be a number. Received: 'accuracy' (of type str)
The third positional argument of `compile` is loss_weights: pass metrics by name, such as \
metrics=['accuracy'].
compile() was called (at compiling.py:2).
""",
)
def metrics_as_loss_weights():
    """Metrics are the third positional argument of compile, as in Keras 1."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adam", "mse", ["accuracy"])
    model.fit(np.zeros((4, 4)), np.zeros((4, 3)), verbose=0)
