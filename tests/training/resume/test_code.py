"""Changed functions and classes of the program are recognized, whatever holds them."""

import functools

import jax
import numpy as np
import optax
import pytest

import cornu
from cornu import layers, ops
from cornu.training.resume.code import describe_code
from cornu.training.resume.fingerprint import compare_fingerprints, describe_training

BEFORE = "def f(x, rate=2.0, *, shift=1):\n    y = x * 3\n    return rate * y + shift"


def compiled(text, **names):
    space = dict(names)
    exec(text, space)
    return space["f"]


@pytest.mark.parametrize(
    "after",
    [
        BEFORE.replace("* 3", "* 4"),
        BEFORE.replace("* 3", "+ 3"),
        BEFORE.replace("rate=2.0", "rate=2.5"),
        BEFORE.replace("shift=1", "shift=2"),
        BEFORE.replace("x * 3", "x.T * 3"),
        BEFORE.replace("rate * y", "y"),
        BEFORE.replace("* 3", "* 3.0"),
        BEFORE + " + (lambda: 1)()",
        "def f(x, rate=2.0, *, shift=1):\n    try:\n        y = x * 3\n    except ValueError:\n"
        "        y = x\n    return rate * y + shift",
    ],
)
def test_a_changed_function_is_found(after):
    assert describe_code(compiled(after)) != describe_code(compiled(BEFORE))


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        "\n\n# A comment\n" + BEFORE.replace("\n", "  # another\n"),
        BEFORE.replace("y", "other"),
        BEFORE.replace("    y =", '    """Computes something."""\n    y =', 1),
    ],
)
def test_comments_and_names_of_local_variables_do_not_count(after):
    assert describe_code(compiled(after)) == describe_code(compiled(BEFORE))


def closure(value):
    return lambda x: x * value


def inner(value):
    def outer(x):
        return closure(value)(x)

    return outer


def defaults(value):
    def f(x, y=value):
        return x * y

    return f


def uses(value):
    return compiled("def f(x):\n    return x * rate", rate=value)


def calls(value):
    body = compiled(f"def f(x):\n    return x * {value!r}") if np.isscalar(value) else uses(value)
    return compiled("def f(x):\n    return g(x)", g=body)


def recursive(value):
    return compiled("def f(x):\n    return f(x - 1) * rate if x else rate", rate=value)


def with_class(value):
    class Square:
        def __init__(self):
            self.value = value

        def __call__(self, x):
            return self.value * x

    return Square()


HOLDERS = {
    "closure": closure,
    "closure of an inner function": inner,
    "default": defaults,
    "global variable": uses,
    "function in a global variable": calls,
    "recursion": recursive,
    "partial": lambda value: functools.partial(np.multiply, value),
    "partial of a function": lambda value: functools.partial(closure(value)),
    "jit": lambda value: jax.jit(closure(value)),
    "object": with_class,
    "loss": lambda value: closure(cornu.losses.Huber(value) if np.isscalar(value) else value),
}
VALUES = {
    "numbers": (0.5, 0.25),
    "arrays": (np.arange(3.0), np.arange(3.0)[::-1]),
    "array of JAX": (jax.numpy.ones(3), jax.numpy.ones(4)),
    "text": ("one", "two"),
    "lists": ([1.0, 2.0], [1.0, 3.0]),
    "long lists": ([0.5] * 1000, [0.5] * 999 + [0.6]),
    "nested": ({"a": (1, {2})}, {"a": (1, {3})}),
    "bytes": (b"a", b"b"),
    "functions": (np.sin, np.cos),
    "layers' activations": (cornu.activations.relu, cornu.activations.gelu),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_changed_values_are_found(holder):
    make = HOLDERS[holder]
    plain = holder not in ("object", "loss")
    for one, other in VALUES.values() if plain else [VALUES["numbers"]]:
        assert describe_code(make(one)) == describe_code(make(one))
        assert describe_code(make(one)) != describe_code(make(other))


def test_what_a_function_changes_is_not_a_change():
    seen = []

    def loss(y, p):
        seen.append(1)
        return ops.mean(y - p)

    before = describe_code(loss)
    loss(np.ones(1), np.ones(1))
    assert describe_code(loss) == before and before["closure"] == {"seen": []}


# ------------------------------------------------------------------------ in models and compile

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


def layer_of(text):
    space = {"layers": layers, "ops": ops, "cornu": cornu, "RATE": 2.0}
    exec(text, space)
    return space


LAYER = """
class Mine(layers.Layer):
    def call(self, x):
        return self.helped(x) * 2

    def helped(self, x):
        return x + RATE

    def describe(self):
        return "one"
"""


def model_with(layer=None, loss="mse", **kwargs):
    model = cornu.Sequential([cornu.Input((3,)), layer or layers.Dense(1), layers.Dense(1)])
    model.compile(kwargs.pop("optimizer", "sgd"), loss, **kwargs)
    return model


def fingerprint(model):
    model.build()
    return describe_training(model._trainer_, {}, {}, {})


def mine(old="", new=""):
    return layer_of(LAYER.replace(old, new))["Mine"](name="mine")


def metric(rate):
    def near(y, p):
        return ops.mean(ops.abs(y - p) < rate)

    return near


class Ramp(cornu.optimizers.schedules.LearningRateSchedule):
    def __init__(self, function):
        self.function = function

    def __call__(self, step):
        return self.function(step)


PLACES = {
    "loss": lambda k: model_with(loss=lambda y, p: ops.mean(y - p) * k),
    "loss by partial": lambda k: model_with(
        loss=functools.partial(cornu.losses.huber, delta=float(k))
    ),
    "losses of outputs": lambda k: model_with(loss=[closure(k)]),
    "metrics": lambda k: model_with(metrics=[metric(k)]),
    "activation": lambda k: model_with(layers.Dense(1, lambda x: x * k)),
    "initializer": lambda k: model_with(
        layers.Dense(1, kernel_initializer=lambda shape, dtype=None: ops.ones(shape) * k)
    ),
    "regularizer": lambda k: model_with(
        layers.Dense(1, kernel_regularizer=lambda w: k * ops.sum(w))
    ),
    "Lambda": lambda k: model_with(layers.Lambda(lambda x: x * k)),
    "nested layer": lambda k: model_with(
        cornu.Sequential([cornu.Input((3,)), layers.Lambda(lambda x: x * k)])
    ),
    "class of a layer": lambda k: model_with(mine("* 2", f"* {k}")),
    "method that call uses": lambda k: model_with(mine("x + RATE", f"x + RATE + {k}")),
    "optax": lambda k: model_with(optimizer=optax.sgd(0.1 * k, momentum=0.9)),
    "schedule": lambda k: model_with(optimizer=cornu.optimizers.SGD(Ramp(lambda s: 0.1 * k))),
    "rate by function": lambda k: model_with(optimizer=cornu.optimizers.SGD(lambda s: 0.1 * k)),
    "train_step": lambda k: with_step(k),
}


def with_step(k):
    class Own(cornu.Sequential):
        def train_step(self, data):
            x, y = data
            return {"loss": ops.mean(self(x) - y) * k}

    model = Own([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("place", PLACES)
def test_functions_are_compared_wherever_they_are(place):
    make = PLACES[place]
    one, again, other = (fingerprint(make(k)) for k in (2, 2, 3))
    assert compare_fingerprints(one, again) == []
    assert compare_fingerprints(one, other)


def test_a_method_that_computes_nothing_does_not_count():
    one, other = (fingerprint(model_with(mine("one", text))) for text in ("one", "two"))
    assert compare_fingerprints(one, other) == []


def test_the_message_names_the_changed_value(tmp_path):
    def run(k):
        model = model_with(loss=PLACES["loss"](k).loss)
        model.fit(X, X[:, :1], verbose=0, resume=tmp_path)

    run(2)
    with pytest.raises(ValueError, match=r"compile\.loss\.closure\.k is 3, and 2 in the saved"):
        run(3)
