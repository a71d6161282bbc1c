"""Names that Keras's base classes do not have are free: a program may use them in its classes.

The table is generated: every member of a class of cornu that Keras's class does not have, as an
attribute, a class attribute and a method of a class of the program. All names are taken at once;
the slow tests take one at a time.
"""

import re

import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from tests.sampling import slow_except

X, Y = np.linspace(0, 1, 24, dtype="float32").reshape(8, 3), np.ones((8, 3), "float32")
OWN = re.compile(r"__|_[a-z]\w*_$")  # dunder names, and the form of cornu's own


@cornu.saving.register_keras_serializable("names")
class Scale(cornu.Layer):
    def build(self, shape):
        self.scale = self.add_weight((shape[-1],), "ones", name="scale")

    def call(self, x):
        return x * self.scale


# ------------------------------------------------------------------------- one object of each kind


class PlainLayer:
    def build(self, shape):
        self.kernel = self.add_weight((3,), "ones", name="kernel")

    def call(self, x):
        return self.user_layers(x * self.kernel)


class PlainModel:
    def call(self, x):
        return self.user_layers(x)


class PlainMetric:
    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return ops.ones(())


class PlainLoss:
    def call(self, y_true, y_pred):
        return (y_true - y_pred) ** 2


class PlainOptimizer:
    def update_step(self, gradient, variable, learning_rate):
        variable.assign(variable - gradient * 0.1)


class PlainCallback:
    epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


def _functional(library):
    x = library.Input((3,))
    return {"inputs": x, "outputs": library.layers.Dense(3)(x)}


def _sequential(library):
    return {"layers": [library.Input((3,)), library.layers.Dense(3)]}


# name: (base class, members of the subclass, arguments of the constructor)
KINDS = {
    "layer": (lambda k: k.Layer, PlainLayer, lambda k: {}),
    "model": (lambda k: k.Model, PlainModel, lambda k: {}),
    "functional": (lambda k: k.Model, None, _functional),
    "sequential": (lambda k: k.Sequential, None, _sequential),
    "metric": (lambda k: k.metrics.Metric, PlainMetric, lambda k: {}),
    "loss": (lambda k: k.losses.Loss, PlainLoss, lambda k: {}),
    "optimizer": (
        lambda k: k.optimizers.Optimizer,
        PlainOptimizer,
        lambda k: {"learning_rate": 0.1},
    ),
    "callback": (lambda k: k.callbacks.Callback, PlainCallback, lambda k: {}),
}


def _make(kind, library, members, attributes):
    """Returns an object of a class with the given members, whose constructor sets attributes."""
    base, plain, arguments = KINDS[kind]
    base = base(library)

    def __init__(self, **kwargs):
        base.__init__(self, **kwargs)
        for name, value in attributes.items():
            setattr(self, name, value() if callable(value) else value)

    def user_layers(self, x):
        for name in attributes:
            if isinstance(getattr(self, name), (Scale, keras.layers.Layer)):
                x = getattr(self, name)(x)
        return x

    body = {k: v for k, v in vars(plain or object).items() if not k.startswith("__")}
    body |= {"__init__": __init__, "user_layers": user_layers} | members
    return type("Own", (base,), body)(**arguments(library))


def _program(kind, library, thing):
    """Returns a model of which an object is a part, after training."""
    model = thing
    if kind not in ("model", "functional", "sequential"):
        x = library.Input((3,))
        inner = thing if kind == "layer" else library.layers.Dense(3)
        model = library.Model(x, inner(x))
    model.compile(
        thing if kind == "optimizer" else "sgd",
        thing if kind == "loss" else "mse",
        metrics=[thing] if kind == "metric" else None,
    )
    data = {"validation_data": (X, Y), "verbose": 0, "batch_size": 4}
    model.fit(X, Y, callbacks=[thing] if kind == "callback" else None, **data)
    return model


def _free_names(kind):
    """Returns the members of cornu's classes that Keras's do not have."""
    found = []
    for library in (cornu, keras):
        thing = _make(kind, library, {}, {})
        _program(kind, library, thing)
        found.append(set(dir(thing)))
    return sorted(name for name in found[0] - found[1] if not OWN.match(name))


@pytest.fixture(scope="module")
def free_names():
    known = {}
    return lambda kind: known[kind] if kind in known else known.setdefault(kind, _free_names(kind))


def _odd_method(self, one, two, three, four, *, five):
    return "mine"


def _take(kind, names, how):
    if how == "method":
        return _make(kind, cornu, dict.fromkeys(names, _odd_method), {})
    if how == "class attribute":
        return _make(kind, cornu, dict.fromkeys(names, "mine"), {})
    # Layers and models own what is assigned to the attribute.
    value = Scale if kind in ("layer", "model") else "mine"
    return _make(kind, cornu, {}, dict.fromkeys(names, value))


def _check(kind, names, how, tmp_path):
    thing = _take(kind, names, how)
    before = {name: getattr(thing, name) for name in names}
    model = _program(kind, cornu, thing)
    for name, value in before.items():
        same = getattr(thing, name) == value if how == "method" else getattr(thing, name) is value
        assert same, name
    if kind in ("layer", "model"):
        owned = len(names) if how == "attribute" else 0
        assert len(thing.weights) == owned + (kind == "layer")
    assert kind != "callback" or thing.epochs == 1
    expected = model.predict(X, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.summary(print_fn=lambda text: None)
    model.train_on_batch(X, Y)
    np.testing.assert_allclose(model(X, training=False), model.predict(X, verbose=0), rtol=1e-5)
    expected = model.predict(X, verbose=0)
    if kind in ("functional", "sequential"):
        return  # a class of the program that has a graph needs a config of its own
    model.save(tmp_path / "model.keras")
    loaded = cornu.saving.load_model(tmp_path / "model.keras", {"Own": type(thing)})
    np.testing.assert_allclose(loaded.predict(X, verbose=0), expected, rtol=1e-5)


WAYS = ("attribute", "class attribute", "method")


@pytest.mark.parametrize("how", slow_except(WAYS, {"attribute"}))
@pytest.mark.parametrize("kind", KINDS)
def test_all_free_names_at_once(kind, how, free_names, tmp_path):
    names = free_names(kind)
    assert names or kind in ("layer", "loss")
    _check(kind, names, how, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_free_name(kind, how, free_names, tmp_path):
    # Each name by itself in one of the ways; the test above has all of them in all ways.
    ways = list(WAYS)
    for name in sorted(free_names(kind))[ways.index(how) :: len(ways)]:
        try:
            _check(kind, [name], how, tmp_path)
        except Exception as error:
            error.add_note(f"the name {name!r}")
            raise


def test_attributes_that_compile_and_fit_assign():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.name, self.loss, self.history, self.optimizer = "mine", Scale(), [], None
            self.inner, self.calls = self.loss, 0

        def call(self, x):
            self.calls += 1
            return self.inner(x)

    model = Own()
    assert model(X).shape == X.shape and model.name == "mine" and len(model.weights) == 1
    model.compile("sgd", "mse")
    assert model.loss == "mse" and model.optimizer.name == "sgd"
    assert model.fit(X, Y, verbose=0) is model.history
    model.run_eagerly = True
    assert model.run_eagerly and not model.jit_compile
    before = model.calls
    model.fit(X, Y, verbose=0, batch_size=2)
    assert model.calls >= before + 4
    model.jit_compile = True
    model.fit(X, Y, verbose=0, batch_size=2)
    before = model.calls
    model.fit(X, Y, verbose=0, batch_size=2)
    assert model.calls == before


def test_a_layer_declares_that_its_rows_are_independent():
    class Own(Scale):
        rowwise = True

        def call(self, x):
            return x * self.scale

    x = cornu.Input((3,))
    assert Own._rowwise_ is True and cornu.Model(x, Own()(x))._trainer_.pads("predict")
