"""StatelessScope, SymbolicScope, name_scope and device, beside Keras."""

import jax
import keras
import numpy as np
import pytest

import cornu

LIBRARIES = (cornu, keras)


def _ids(library):
    return library.__name__


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_assignments_in_a_stateless_scope_stay_in_it(library):
    weight = library.Variable(np.ones(3, "float32"))
    other = library.Variable(np.zeros(2, "float32"))
    with library.StatelessScope([(weight, np.full(3, 2.0))]) as scope:
        assert np.allclose(weight.value, 2)
        weight.assign(weight.value + 1)
        scope.add_update((other, np.ones(2, "float32")))
        assert np.allclose(other.value, 1)
    assert np.allclose(scope.get_current_value(weight), 3)
    assert np.allclose(weight.value, 1) and np.allclose(other.value, 0)
    assert scope.get_current_value(library.Variable(0.0)) is None


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_a_stateless_scope_makes_a_layer_a_function_of_its_values(library):
    layer = library.layers.BatchNormalization(momentum=0.5)
    layer.build((None, 2))
    x = np.array([[0.0, 2.0], [4.0, 2.0]], "float32")

    def run(values):
        with library.StatelessScope(zip(layer.weights, values, strict=True)) as scope:
            layer(x, training=True)
        return scope.get_current_value(layer.moving_mean)

    before = layer.get_weights()
    assert np.allclose(jax.jit(run)([v.value for v in layer.weights]), [1, 1])
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_a_stateless_scope_collects_losses_on_request(library):
    layer = library.layers.ActivityRegularization(l2=1.0)
    x = np.ones((1, 2), "float32")
    with library.StatelessScope(collect_losses=True) as scope:
        layer(x)
        scope.add_loss(5.0)
    assert [float(loss) for loss in scope.losses] == [2.0, 5.0]
    with library.StatelessScope() as scope:
        layer(x)
    assert scope.losses == []


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
@pytest.mark.parametrize("wrong", ["shape", "key"])
def test_wrong_values_of_a_stateless_scope_are_refused(library, wrong):
    weight = library.Variable(np.ones(3, "float32"))
    pair = (weight, np.ones(2)) if wrong == "shape" else ("weight", np.ones(3))
    with pytest.raises(ValueError, match="StatelessScope"):
        library.StatelessScope([pair])


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_random_numbers_are_a_function_of_the_state_in_a_stateless_scope(library):
    generator = library.random.SeedGenerator(7)

    @jax.jit
    def draw(state):
        with library.StatelessScope([(generator.state, state)]) as scope:
            pair = (
                library.random.uniform((2,), seed=generator),
                library.random.uniform((2,), seed=generator),
            )
        return pair, scope.get_current_value(generator.state)

    start = generator.state.value
    (first, second), state = draw(start)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(draw(start)[0][0], first)
    (third, _), _ = draw(state)
    generator.state.assign(start)
    for expected in (first, second, third):  # as outside of the scope
        np.testing.assert_array_equal(library.random.uniform((2,), seed=generator), expected)


def test_a_symbolic_scope_changes_nothing():
    weight = cornu.Variable(1.0)
    seeds = cornu.random.SeedGenerator(3)
    with cornu.SymbolicScope():
        weight.assign(2.0)
        cornu.random.normal((2,), seed=seeds)
    assert float(weight.value) == 1
    numbers = cornu.random.normal((2,), seed=seeds)
    assert np.array_equal(numbers, cornu.random.normal((2,), seed=cornu.random.SeedGenerator(3)))


class _Caller:
    pass


def _paths(library):
    """Yields paths of Variables that are created within scopes of names and layers."""

    class Inner(library.layers.Layer):
        def build(self, shape):
            with library.name_scope("part"):
                self.weight = self.add_weight(shape=(1,), name="w")

        def call(self, x):
            return x

    caller = _Caller()
    with library.name_scope("outer"):
        yield library.Variable(0.0, name="v").path
        with library.name_scope("inner"):
            layer = Inner(name="layer")
            layer(np.ones((1, 1)))
            yield layer.weight.path
        with library.name_scope("again", caller=caller), library.name_scope("again", caller=caller):
            yield library.Variable(0.0, name="v").path
        with library.name_scope("last", override_parent="root/top"):
            yield library.Variable(0.0, name="v").path
    yield library.Variable(0.0, name="v").path


def test_paths_of_variables_contain_the_names_of_scopes():
    expected = ["outer/v", "outer/inner/layer/w", "outer/again/v", "root/top/last/v", "v"]
    assert list(_paths(cornu)) == list(_paths(keras)) == expected


def test_the_name_of_a_scope_has_no_slash():
    with pytest.raises(ValueError, match="name_scope"):
        cornu.name_scope("a/b")


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
@pytest.mark.parametrize("name", ["cpu:0", "CPU:0", jax.devices("cpu")[0]])
def test_arrays_are_created_on_a_device(library, name):
    with library.device(name):
        x = library.ops.ones((2,))
    assert x.device == jax.devices("cpu")[0]


@pytest.mark.parametrize("name", ["cpu:99", "abacus:0", "cpu:x", 3])
def test_unknown_devices_are_refused(name):
    with pytest.raises(ValueError, match="device"):
        cornu.device(name)
