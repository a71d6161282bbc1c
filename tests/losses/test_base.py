"""Reductions, weights, masks, padding rows, and shapes that do not fit."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import losses
from cornu.core.state import scope
from cornu.losses.base import reduce_weighted_values

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


@pytest.fixture
def rows():
    """Sets the padding rows of the batch for one test."""

    def put(values):
        scope.current().row_mask = jnp.asarray(values, "float32")

    yield put
    scope.current().row_mask = None


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_are_keras(reduction):
    rng = np.random.default_rng(1)
    y_true, y_pred = rng.normal(size=(2, 4, 3, 2)).astype("float32")
    mask = rng.uniform(size=(4, 3)) < 0.6
    ours = losses.MeanSquaredError(reduction=reduction)
    theirs = keras.losses.MeanSquaredError(reduction=reduction)
    masked = keras.ops.convert_to_tensor(y_pred)
    keras.src.backend.set_keras_mask(masked, mask)
    for weights in (None, rng.uniform(size=(4, 3)), rng.uniform(size=(4, 1)), 2.0):
        np.testing.assert_allclose(
            ours(y_true, y_pred, weights), theirs(y_true, y_pred, weights), 1e-5
        )
        with_mask = jnp.asarray(y_pred)
        scope.current().masks.put(with_mask, mask)
        np.testing.assert_allclose(
            ours(y_true, with_mask, weights), theirs(y_true, masked, weights), 1e-5
        )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_padding_rows_do_not_count(reduction, rows):
    rng = np.random.default_rng(2)
    values, weights = rng.uniform(size=(2, 3, 2)).astype("float32")
    mask = rng.uniform(size=(3, 2)) < 0.6
    padding = np.full((2, 2), np.inf, "float32")
    for w in (None, weights):
        for m in (None, mask):
            rows(np.ones(3))
            expected = reduce_weighted_values(values, w, m, reduction)
            rows([1, 1, 1, 0, 0])
            found = reduce_weighted_values(
                np.concatenate([values, padding]),
                None if w is None else np.concatenate([w, np.ones((2, 2), "float32")]),
                None if m is None else np.concatenate([m, padding > 0]),
                reduction,
            )
            np.testing.assert_allclose(found[:3] if found.ndim else found, expected, 1e-6)
            assert not found.ndim or not np.any(found[3:])


def test_padding_rows_have_no_gradient(rows):
    rows([1, 0])
    loss = losses.FunctionLoss(_root)
    y_pred = jnp.array([[4.0], [0.0]])
    assert jax.grad(lambda p: loss(jnp.zeros((2, 1)), p))(y_pred).tolist() == [[0.25], [0.0]]
    assert jax.jit(jax.grad(lambda p: loss(jnp.zeros((2, 1)), p)))(y_pred)[1, 0] == 0


def _root(y_true, y_pred):
    return jnp.sqrt(y_pred - y_true)[:, 0]


def test_vectors_have_a_value_for_each_sample(rows):
    loss = losses.MeanSquaredError()
    y_true, y_pred = np.float32([1, 2, 3]), np.float32([1, 2, 5])
    assert loss(y_true, y_pred) == keras.losses.MeanSquaredError()(y_true, y_pred)
    assert loss(y_true, y_pred, np.float32([1, 1, 0])) == 0
    rows([1, 1, 0])
    assert loss(y_true, y_pred) == 0


@pytest.mark.parametrize(
    ("name", "true", "pred"),
    [
        ("mean_squared_error", (4, 3), (4, 1)),
        ("mean_squared_error", (4, 2), (4, 3)),
        ("mean_squared_error", (4,), (4, 3)),
        ("hinge", (4, 1, 1), (4, 3, 1)),
        ("categorical_crossentropy", (4, 1), (4, 3)),
        ("categorical_crossentropy", (4,), (4, 3)),
        ("binary_crossentropy", (4, 3), (4,)),
        ("sparse_categorical_crossentropy", (4, 3), (4, 3)),
        ("sparse_categorical_crossentropy", (3,), (4, 3)),
        ("dice", (4, 1), (4, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_errors(name, true, pred):
    with pytest.raises(ValueError) as error:
        losses.get(name)(np.ones(true), np.ones(pred, "float32"))
    assert str(true) in str(error.value) and str(pred) in str(error.value)


def test_a_last_axis_of_size_one_is_no_matter():
    for true, pred in (((4,), (4, 1)), ((4, 1), (4,)), ((4, 3, 1), (4, 3)), ((4, 3), (4, 3, 1))):
        assert losses.MeanSquaredError()(np.ones(true), np.zeros(pred, "float32")) == 1


@pytest.mark.parametrize("shape", [(3,), (4, 3, 2), (3, 4), (2, 3)])
def test_weights_that_do_not_fit_are_errors(shape):
    with pytest.raises(ValueError, match="do not match"):
        losses.MeanSquaredError()(np.ones((4, 3, 2)), np.ones((4, 3, 2)), np.ones(shape))


def test_a_weight_per_sample_is_spread_over_time():
    loss = losses.MeanSquaredError()
    y_true, y_pred = np.zeros((2, 2, 1)), np.ones((2, 2, 1), "float32")
    assert loss(y_true, y_pred, np.array([1.0, 0.0])) == 0.5


def test_structures_and_losses_of_the_user():
    class Sum(losses.Loss):
        def call(self, y_true, y_pred):
            return jnp.abs(y_true["a"] - y_pred["a"]) + jnp.abs(y_true["b"] - y_pred["b"])

    y = {"a": np.array([1, 2]), "b": np.array([0, 0])}
    p = {"a": np.array([1.0, 1.0]), "b": np.array([1.0, 1.0])}
    assert Sum()(y, p) == 1.5
    assert Sum(name="s").name == "s" and Sum().name.startswith("sum")
    assert losses.deserialize(losses.serialize(Sum(name="s")), {"Sum": Sum}).name == "s"


def test_it_computes_in_its_own_dtype():
    y_pred = jnp.full((2, 1), 0.1, "bfloat16")
    assert losses.MeanSquaredError()(np.zeros((2, 1)), y_pred).dtype == "float32"
    short = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="mixed_bfloat16")
    assert short.dtype == "bfloat16"
    # 299 is no bfloat16, and would become class 300.
    logits = jnp.zeros((1, 400)).at[0, 299].set(9.0)
    assert short(np.array([299]), logits) < 0.1


def test_losses_accept_symbolic_tensors():
    y_true, y_pred = cornu.Input((3,)), cornu.Input((3,))
    assert losses.mean_squared_error(y_true, y_pred).shape == (None,)
    assert losses.MeanSquaredError()(y_true, y_pred).shape == ()
    assert losses.MeanSquaredError()(np.ones((2, 1)), cornu.Variable(np.zeros((2, 1)))) == 1


def test_one_compilation():
    loss = losses.BinaryCrossentropy(from_logits=True)
    compiled = jax.jit(lambda y, p, w: loss(y, p, w))
    for scale in (1.0, 2.0):
        args = np.ones((3, 1)), np.full((3, 1), scale, "float32"), np.ones(3, "float32")
        np.testing.assert_allclose(compiled(*args), loss(*args), 1e-6)
    assert compiled._cache_size() == 1


def test_unknown_names_are_errors_with_a_hint():
    with pytest.raises(ValueError, match="'mean_squared_error'"):
        losses.get("mean_squared_eror")
    with pytest.raises(ValueError, match="'sum_over_batch_size'"):
        losses.MeanSquaredError("sum_over_batch")
    with pytest.raises(ValueError, match="q must be"):
        losses.CategoricalGeneralizedCrossEntropy(1.5)
    assert losses.get(None) is None


def test_a_single_class_gets_a_warning():
    with pytest.warns(UserWarning, match="always 0"):
        losses.categorical_crossentropy(np.ones((2, 1)), np.ones((2, 1), "float32"))
