"""Losses give the values, gradients and configs of Keras, with and without weights."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import losses
from cornu.core.state import scope
from tests.sampling import repeated_are_slow

Make = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


def numbers(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _floats(rng, (4, 3)), _floats(rng, (4, 3))


def counts(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _whole(rng, 5, (4, 3)).astype("float32"), rng.uniform(0.1, 3, (4, 3)).astype("float32")


def binary(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _whole(rng, 2, (4, 3)), rng.uniform(size=(4, 3)).astype("float32")


def binary_logits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _whole(rng, 2, (4, 3)), _floats(rng, (4, 3))


def signs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return 2 * _whole(rng, 2, (4, 3)) - 1, _floats(rng, (4, 3))


def classes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.eye(5, dtype="float32")[_whole(rng, 5, (4, 2))], _shares(rng, (4, 2, 5))


def class_logits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.eye(5, dtype="float32")[_whole(rng, 5, (4, 2))], _floats(rng, (4, 2, 5))


def class_numbers(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _whole(rng, 5, (4, 2)), _shares(rng, (4, 2, 5))


def class_number_logits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _whole(rng, 5, (4, 2)), _floats(rng, (4, 2, 5))


def images(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    shape = (4, 3, 3, 1)
    return _whole(rng, 2, shape), rng.uniform(size=shape).astype("float32")


def embeddings(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = _floats(rng, (6, 4))
    return np.array([0, 1, 0, 1, 2, 0]), x / np.linalg.norm(x, axis=-1, keepdims=True)


def transcripts(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.array([[1, 2, 1], [2, 0, 0], [3, 3, 0], [1, 0, 0]]), _floats(rng, (4, 7, 4))


def _floats(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=shape).astype("float32")


def _whole(rng: np.random.Generator, limit: int, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, limit, shape)


def _shares(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = rng.uniform(0.05, 1, shape)
    return (x / x.sum(-1, keepdims=True)).astype("float32")


@dataclass(frozen=True)
class LossRow:
    """A loss with constructor arguments, and what makes labels and predictions for it."""

    cls: str
    make: Make
    args: dict[str, Any] = field(default_factory=dict)
    weights: tuple[int, ...] | None = (4,)
    rtol: float = 1e-5


ROWS = [
    LossRow("MeanSquaredError", numbers),
    LossRow("MeanAbsoluteError", numbers),
    LossRow("MeanAbsolutePercentageError", numbers),
    LossRow("MeanSquaredLogarithmicError", counts),
    LossRow("CosineSimilarity", numbers),
    LossRow("CosineSimilarity", numbers, {"axis": 1}),
    LossRow("Huber", numbers, {"delta": 0.5}),
    LossRow("LogCosh", numbers),
    LossRow("Poisson", counts),
    LossRow("Hinge", signs),
    LossRow("Hinge", binary_logits),
    LossRow("SquaredHinge", signs),
    LossRow("CategoricalHinge", classes, weights=(4, 2)),
    LossRow("KLDivergence", classes, weights=(4, 2), rtol=1e-4),
    LossRow("BinaryCrossentropy", binary),
    LossRow("BinaryCrossentropy", binary_logits, {"from_logits": True, "label_smoothing": 0.1}),
    LossRow("BinaryFocalCrossentropy", binary),
    LossRow(
        "BinaryFocalCrossentropy",
        binary_logits,
        {"from_logits": True, "apply_class_balancing": True, "gamma": 1.5, "label_smoothing": 0.1},
    ),
    LossRow("CategoricalCrossentropy", classes, weights=(4, 2)),
    LossRow("CategoricalCrossentropy", class_logits, {"from_logits": True}, (4, 2)),
    LossRow("CategoricalCrossentropy", class_logits, {"from_logits": True, "axis": 1}, (4, 5)),
    LossRow("CategoricalCrossentropy", classes, {"label_smoothing": 0.2}, (4, 2)),
    LossRow("CategoricalFocalCrossentropy", classes, weights=(4, 2)),
    LossRow(
        "CategoricalFocalCrossentropy",
        class_logits,
        {"from_logits": True, "alpha": [0.1, 0.2, 0.3, 0.2, 0.2], "label_smoothing": 0.1},
        (4, 2),
    ),
    LossRow("SparseCategoricalCrossentropy", class_numbers, weights=(4, 2)),
    LossRow("SparseCategoricalCrossentropy", class_number_logits, {"from_logits": True}, (4, 2)),
    LossRow(
        "SparseCategoricalCrossentropy",
        class_number_logits,
        {"from_logits": True, "ignore_class": 2},
        (4, 2),
    ),
    LossRow("CategoricalGeneralizedCrossEntropy", class_numbers, {"q": 0.7}, (4, 2)),
    LossRow("Dice", images, weights=None),
    LossRow("Dice", images, {"axis": [1, 2, 3]}),
    LossRow("Tversky", images, {"alpha": 0.3, "beta": 0.7}, None),
    LossRow("Tversky", images, {"axis": (1, 2, 3)}),
    LossRow("Circle", embeddings, {"gamma": 8.0}, (6,), rtol=1e-4),
    LossRow("Circle", embeddings, {"remove_diagonal": False, "gamma": 4.0}, (6,), rtol=1e-4),
    LossRow("CTC", transcripts, rtol=1e-4),
]
NAMES = [f"{i}_{row.cls}" for i, row in enumerate(ROWS)]


def test_every_loss_has_a_row():
    classes_of_losses = {name for name in dir(keras.losses) if name[0].isupper()} - {"Loss"}
    assert classes_of_losses == {row.cls for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_loss_is_keras(row: LossRow):
    rng = np.random.default_rng(1)
    y_true, y_pred = row.make(rng)
    weights = None if row.weights is None else rng.uniform(0, 2, row.weights).astype("float32")
    found, expected = (_numbers_of(k, row, weights)(y_true, y_pred) for k in (cornu, keras))
    for name, rtol in (("weighted", row.rtol), ("values", row.rtol), ("gradient", 10 * row.rtol)):
        np.testing.assert_allclose(found[name], expected[name], rtol, 1e-6, err_msg=name)


def _make(k: Any, row: LossRow, **args: Any) -> Any:
    return getattr(k.losses, row.cls)(**row.args, **args)


def _numbers_of(k: Any, row: LossRow, weights: Any) -> Callable[[Any, Any], dict[str, Any]]:
    loss = _make(k, row)
    values = _make(k, row, reduction=None)

    @jax.jit
    def compute(y_true: Any, y_pred: Any) -> dict[str, Any]:
        weighted = jax.value_and_grad(lambda p: loss(y_true, p, weights))
        value, gradient = weighted(y_pred)
        return {"weighted": value, "values": values(y_true, y_pred), "gradient": gradient}

    return compute


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_config_round_trip_in_both_directions(row: LossRow):
    ours = _make(cornu, row)
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(ours))))
    assert type(again) is type(ours)
    assert json.dumps(losses.serialize(again)) == json.dumps(losses.serialize(ours))
    theirs = json.loads(json.dumps(keras.losses.serialize(_make(keras, row))))
    config = losses.deserialize(theirs).get_config()
    assert {name: config[name] for name in theirs["config"]} == theirs["config"]


@pytest.mark.parametrize("row", repeated_are_slow(ROWS, NAMES, "cls"))
def test_padding_rows_leave_no_trace(row: LossRow):
    rng = np.random.default_rng(3)
    y_true, y_pred = row.make(rng)
    weights = None if row.weights is None else rng.uniform(0, 2, row.weights).astype("float32")
    loss = _make(cornu, row)
    rows = jnp.concatenate([jnp.ones(len(y_true)), jnp.zeros(3)])
    tail = jnp.full((3, *y_pred.shape[1:]), jnp.nan)
    y_true_padded = np.concatenate([y_true, y_true[:3] * 0])
    weights_padded = None if weights is None else np.concatenate([weights, weights[:3]])

    def padded(y_pred: Any) -> Any:
        scope.current().row_mask = rows
        try:
            return loss(y_true_padded, jnp.concatenate([y_pred, tail]), weights_padded)
        finally:
            scope.current().row_mask = None

    found = jax.jit(jax.value_and_grad(padded))(y_pred)
    expected = jax.jit(jax.value_and_grad(lambda p: loss(y_true, p, weights)))(y_pred)
    np.testing.assert_allclose(found[0], expected[0], 1e-5, 1e-6)
    np.testing.assert_allclose(found[1], expected[1], 1e-4, 1e-6)


def test_names_resolve_as_in_keras():
    aliases = "bce BCE kld KLD mae MAE mse MSE mape MAPE msle MSLE".split()
    # Keras does not know the last by its name.
    others = {"get", "serialize", "deserialize", "Loss", "CategoricalGeneralizedCrossEntropy"}
    others.add("categorical_generalized_cross_entropy")
    for name in [*(name for name in dir(keras.losses) if name[0] != "_"), *aliases]:
        if name in others:
            continue
        ours, theirs = losses.get(name), keras.losses.get(name)
        if name[0].islower() or name in aliases:
            assert ours.__name__ == theirs.__name__
            assert losses.deserialize(losses.serialize(ours)) is ours
        else:
            assert type(ours).__name__ == type(theirs).__name__ == name
