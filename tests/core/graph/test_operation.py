"""Operation and Function: nodes of a graph that are not layers."""

import jax
import keras
import numpy as np
import pytest

import cornu

LIBRARIES = (cornu, keras)
X = np.arange(6, dtype="float32").reshape(2, 3)


def _ids(library):
    return library.__name__


def _shift(library):
    class Shift(library.Operation):
        def __init__(self, by=1.0, name=None):
            super().__init__(name=name)
            self.by = by

        def call(self, x):
            return x + self.by

    return Shift


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_an_operation_computes_arrays_and_records_tensors(library):
    shift = _shift(library)(2.0, name="shift")
    assert np.allclose(shift(X), X + 2)
    x = library.Input((3,))
    y = shift(x)
    assert y.shape == (None, 3)
    assert shift.input is x and shift.output is y
    assert shift.get_config() == {"by": 2.0, "name": "shift"}
    assert np.allclose(type(shift).from_config(shift.get_config())(X), X + 2)
    model = library.Model(x, library.layers.Dense(1, kernel_initializer="ones")(y))
    assert np.allclose(model(X), (X + 2).sum(1, keepdims=True))
    assert np.allclose(jax.jit(lambda x: model(x))(X), (X + 2).sum(1, keepdims=True))


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_calls_on_tensors_run_the_symbolic_call(library):
    calls = []

    def symbolic_call(self, *args, **kwargs):
        calls.append(type(self).__name__)
        return super(type(self), self).symbolic_call(*args, **kwargs)

    x = library.Input((3,))
    for base in (_shift(library), library.layers.ReLU, library.layers.Rescaling):
        cls = type("Own", (base,), {"symbolic_call": symbolic_call})
        operation = cls(2.0)
        operation(X)
        assert operation(x).shape == (None, 3)
    assert calls == ["Own"] * 3


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_layers_are_operations(library):
    assert isinstance(library.layers.Dense(1), library.Operation)
    assert issubclass(library.Function, library.Operation)


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_an_operation_without_call_says_so(library):
    with pytest.raises(NotImplementedError):
        library.Operation()(X)
    with pytest.raises(ValueError, match="/"):
        library.Operation(name="a/b")


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_an_operation_may_declare_its_output(library):
    class Declared(_shift(library)):
        def compute_output_spec(self, x):
            return library.KerasTensor((None, 7), dtype="float16")

    y = Declared()(library.Input((3,)))
    assert (y.shape, y.dtype) == ((None, 7), "float16")


def test_a_model_with_an_operation_is_saved_cloned_copied_and_shown(tmp_path):
    Shift = cornu.saving.register_keras_serializable("test_operation")(_shift(cornu))
    x = cornu.Input((3,))
    model = cornu.Model(x, cornu.layers.Dense(1)(Shift(2.0)(x)))
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    assert np.allclose(again.predict(X, verbose=0), expected)
    clone = cornu.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert np.allclose(clone.predict(X, verbose=0), expected)
    outer = cornu.Model(x, model(x)).flatten()
    assert np.allclose(outer.predict(X, verbose=0), expected)
    model.compile("sgd", "mse")
    before = model.evaluate(X, np.zeros((2, 1)), verbose=0)
    model.fit(X, np.zeros((2, 1)), verbose=0)
    assert model.evaluate(X, np.zeros((2, 1)), verbose=0) != before


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_an_override_decides_what_is_recomputed(library):
    class Layer(library.layers.Layer):
        asked = 0

        def rematerialized_call(self, layer_call, *args, **kwargs):
            type(self).asked += 1
            return super().rematerialized_call(layer_call, *args, **kwargs)

        def call(self, x):
            return library.ops.sin(library.ops.sin(x))

    plain = Layer()
    plain(X)
    assert Layer.asked == 0
    with library.RematScope():
        layer = Layer()
    jaxpr = str(jax.make_jaxpr(jax.grad(lambda x: layer(x).sum()))(X))
    assert Layer.asked > 0
    assert "checkpoint" in jaxpr or "remat" in jaxpr


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_a_function_applies_a_graph_to_other_inputs(library):
    a, b = library.KerasTensor((None, 3)), library.KerasTensor((None, 3))
    total = library.ops.sigmoid(a + b)
    function = library.Function([a, b], total, name="total")
    assert function.inputs == [a, b] and function.outputs == [total]
    assert [op.name.rpartition("_")[0] or op.name for op in function.operations][-1:] == ["sigmoid"]
    expected = 1 / (1 + np.exp(-2 * X))
    assert np.allclose(function([X, X]), expected, atol=1e-6)
    assert function.compute_output_shape([(5, 3), (5, 3)]) == (5, 3)
    assert function.compute_output_spec([library.KerasTensor((4, 3))] * 2).shape == (4, 3)
    x = library.Input((3,))
    model = library.Model(x, function([x, x]))
    assert np.allclose(model(X), expected, atol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_a_function_needs_connected_outputs(library):
    a, b = library.Input((3,)), library.Input((3,))
    with pytest.raises(ValueError, match="[Dd]isconnected|not connected"):
        library.Function(a, a + b)


def test_an_operation_is_not_taken_for_the_op_of_its_name():
    """Rows of its output may depend on others: a partial batch is not padded."""

    class Center(cornu.Operation):
        def call(self, x):
            return x - x.mean(axis=0, keepdims=True)

    x = cornu.Input((3,))
    for name in ("subtract", "softmax"):
        model = cornu.Model(x, Center(name=name)(x))
        assert not model.functional_graph.rowwise()
    rows = np.arange(9, dtype="float32").reshape(3, 3) ** 2
    parts = [rows[:2] - rows[:2].mean(0), rows[2:] - rows[2:].mean(0)]
    assert np.allclose(model.predict(rows, batch_size=2, verbose=0), np.concatenate(parts))
