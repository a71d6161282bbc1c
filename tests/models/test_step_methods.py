"""The methods of Keras on JAX for the state of training: called, overridden, with equal results."""

import keras
import numpy as np
import pytest

import cornu

LIBRARIES = (cornu, keras)
X = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
# The offset makes no gradient zero: Adam would divide its rounding by itself.
Y = X.sum(1, keepdims=True) + 0.5


def _ids(library):
    return library.__name__


def _model(library, base=None, optimizer="sgd"):
    base = base or library.Model
    x = library.Input((3,), name="x")
    h = library.layers.BatchNormalization(name="norm")(x)
    y = library.layers.Dense(1, kernel_initializer="ones", name="head")(h)
    model = base(x, y, name="m")
    model.compile(optimizer, "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    return model


def _state(model, optimizer=True, metrics=True):
    parts = [model.trainable_variables, model.non_trainable_variables]
    parts += [model.optimizer.variables] if optimizer else []
    parts += [model.metrics_variables] if metrics else []
    # Copies: Keras donates the arrays of the state.
    return tuple([np.array(v.value) for v in part] for part in parts)


def _flat(state):
    return [np.asarray(value) for part in state for value in part]


def test_the_functions_of_steps_compute_what_those_of_keras_compute():
    found = []
    for library in LIBRARIES:
        model = _model(library)
        model.fit(X, Y, verbose=0)  # so that both libraries have created their metrics
        before = model.get_weights()
        model.make_train_function()
        model.make_test_function()
        model.make_predict_function()
        batches = iter([(X, Y)] * 2)
        logs, state = model.train_function(_state(model), batches)
        logs, state = model.train_function(tuple(map(list, state)), batches)
        tested, _ = model.test_function(_state(model, optimizer=False), iter([(X, Y)]))
        outputs, rest = model.predict_function(_state(model, False, False), iter([(X,)]))
        assert [len(part) for part in rest] == [4, 2] or len(rest) == 2
        for a, b in zip(before, model.get_weights(), strict=True):
            assert np.array_equal(a, b)
        found.append(
            [
                *(np.asarray(logs[k]) for k in ("loss", "mae")),
                *_flat(state[:2]),
                *(np.asarray(tested[k]) for k in ("loss", "mae")),
                np.asarray(outputs),
            ]
        )
    ours, theirs = found
    for a, b in zip(ours, theirs, strict=True):
        assert np.allclose(a, b, atol=1e-5)


def _counting(library):
    class Counting(library.Model):
        made = ()

        def make_train_function(self, force=False):
            super().make_train_function(force)
            inner = self.train_function
            self.made = (*self.made, "train")

            def run(state, iterator):
                logs, state = inner(state, iterator)
                return {**logs, "twice": 2 * logs["loss"]}, state

            if len(self.made) == 1:
                self.train_function = run

        def make_test_function(self, force=False):
            self.made = (*self.made, "test")

            def run(state, iterator):
                return self.test_step(state, next(iterator))

            self.test_function = run

        def make_predict_function(self, force=False):
            self.made = (*self.made, "predict")

            def run(state, iterator):
                outputs, rest = self.predict_step(state, next(iterator))
                return -outputs, (state[0], rest)

            self.predict_function = run

    return Counting


def test_overrides_of_the_functions_run_in_fit_evaluate_and_predict():
    found = []
    for library in LIBRARIES:
        model = _model(library, _counting(library))
        history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
        assert {"train"} <= set(model.made)
        tested = model.evaluate(X, Y, verbose=0, return_dict=True)
        outputs = model.predict(X, verbose=0)
        assert {"train", "test", "predict"} <= set(model.made)
        assert np.allclose(outputs, -np.asarray(model(X)), atol=1e-5)
        found.append((history["loss"], tested["loss"], outputs, model.get_weights()))
    (loss, tested, outputs, weights), expected = found
    assert np.allclose(outputs, expected[2], atol=1e-4)
    assert np.allclose(tested, expected[1], atol=1e-4)
    for a, b in zip(weights, expected[3], strict=True):
        assert np.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_an_override_of_the_loss_and_its_updates_runs_in_fit(optimizer):
    found = []
    for library in LIBRARIES:

        class Doubled(library.Model):
            calls = 0

            def compute_loss_and_updates(self, *args, **kwargs):
                type(self).calls += 1
                loss, (plain, *rest) = super().compute_loss_and_updates(*args, **kwargs)
                return 2 * loss, (plain, *rest)

        model = _model(library, Doubled, optimizer)
        history = model.fit(X, Y, epochs=2, verbose=0).history
        assert Doubled.calls > 0
        found.append((history["loss"], model.get_weights(), model.evaluate(X, Y, verbose=0)))
    ours, theirs = found
    assert np.allclose(ours[0], theirs[0], atol=1e-5)
    assert np.allclose(ours[2], theirs[2], atol=1e-5)
    for a, b in zip(ours[1], theirs[1], strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_the_loss_and_its_updates_are_those_of_keras_and_change_nothing():
    found = []
    for library in LIBRARIES:
        model = _model(library)
        model.fit(X, Y, verbose=0)
        before = model.get_weights()
        trainable, rest, optimizer, metrics = _state(model)
        loss, (plain, y_pred, rest, metrics) = model.compute_loss_and_updates(
            trainable, rest, metrics, X, Y, None, training=True, optimizer_variables=optimizer
        )
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
        found.append([loss, plain, y_pred, *rest])
    for a, b in zip(*found, strict=True):
        assert np.allclose(a, b, atol=1e-5)


def _tree_paths(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _tree_paths(value, f"{prefix}{name}/")
        else:
            yield prefix + name


@pytest.mark.parametrize("value_format", ["backend_tensor", "numpy_array"])
def test_state_trees_have_the_parts_and_names_of_keras(value_format):
    trees = []
    for library in LIBRARIES:
        model = _model(library)
        model.fit(X, Y, verbose=0)
        trees.append(model.get_state_tree(value_format))
    ours, theirs = trees
    for part in ("trainable_variables", "non_trainable_variables"):
        assert sorted(_tree_paths(ours[part])) == sorted(_tree_paths(theirs[part]))
    assert ours.keys() == theirs.keys()
    kernel = ours["trainable_variables"]["head"]["kernel"]
    assert isinstance(kernel, np.ndarray) == (value_format == "numpy_array")


def test_a_state_tree_restores_the_model():
    model = _model(cornu, optimizer="adam")
    model.fit(X, Y, verbose=0)
    tree, weights = model.get_state_tree("numpy_array"), model.get_weights()
    rates = [np.array(v.value) for v in model.optimizer.variables]
    model.fit(X, Y, verbose=0)
    model.set_state_tree(tree)
    restored = [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(restored, [*weights, *rates], strict=True))
    half = {"trainable_variables": {"head": {"bias": np.full((1,), 7.0)}}}
    model.set_state_tree(half)
    assert model.get_layer("head").bias.numpy().tolist() == [7.0]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"weights": {}}, "unknown part"),
        ({"trainable_variables": {"head": {"kernal": np.ones((3, 1))}}}, "kernal"),
        ({"trainable_variables": {"head": {"kernel": np.ones((2, 1))}}}, "shape"),
    ],
)
def test_wrong_state_trees_are_refused(tree, message):
    model = _model(cornu)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.set_state_tree(tree)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(ValueError, match="value_format"):
        model.get_state_tree("list")


def test_values_in_the_state_attribute_are_assigned():
    for library in LIBRARIES:
        model = _model(library)
        model._jax_state = {"trainable_variables": [v + 1 for v in _state(model)[0]]}
        if library is keras:
            model._jax_state_synced = False
        expected = [v + 1 for v in _state(model)[0]]
        model.jax_state_sync()
        found = [np.asarray(v.value) for v in model.trainable_variables]
        assert all(np.allclose(a, b) for a, b in zip(found, expected, strict=True))
        model.jax_state_sync()  # nothing to do
