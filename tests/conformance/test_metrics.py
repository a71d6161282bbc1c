"""Metrics give the results and configs of Keras over several batches, weighted and not."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import keras
import numpy as np
import pytest

import cornu
from cornu import metrics
from cornu.names import snake_case
from tests.sampling import repeated_are_slow

Make = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def numbers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y_true = rng.normal(size=(n, 3)).astype("float32")
    return y_true, y_true + rng.normal(size=(n, 3)).astype("float32")


def counts(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 5, (n, 3)), rng.uniform(0.1, 3, (n, 3)).astype("float32")


def same_or_not(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 2, (n, 1)), rng.integers(0, 2, (n, 1))


def binary(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 2, (n, 1)), rng.uniform(size=(n, 1)).astype("float32")


def multilabel(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 2, (n, 3)), rng.uniform(size=(n, 3)).astype("float32")


def logits(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 2, (n, 3)), rng.normal(size=(n, 3)).astype("float32")


def vectors(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 2, n), rng.uniform(size=n).astype("float32")


def classes(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = class_numbers(rng, n)
    return np.eye(4, dtype="float32")[y_true], y_pred


def class_numbers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.uniform(0.05, 1, (n, 4))
    return rng.integers(0, 4, n), (x / x.sum(-1, keepdims=True)).astype("float32")


def class_columns(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = class_numbers(rng, n)
    return y_true[:, None], y_pred


def sorted_numbers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 4, n), np.argsort(-rng.uniform(size=(n, 4)), axis=-1)


def pixels(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 4, n), rng.integers(0, 4, n)


def pixel_scores(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y_true, _ = pixels(rng, n)
    return np.eye(4, dtype="int32")[y_true], rng.uniform(size=(n, 4)).astype("float32")


def values(rng: np.random.Generator, n: int) -> tuple[np.ndarray]:
    return (rng.normal(size=(n, 2)).astype("float32"),)


@dataclass(frozen=True)
class MetricRow:
    """A metric with constructor arguments, and what makes batches of `n` samples for it."""

    cls: str
    make: Make
    args: dict[str, Any] = field(default_factory=dict)
    rtol: float = 1e-5
    weights: tuple[float, ...] = (0, 0.5, 2, 1, 0, 1, 1.5, 1)


WHOLE = (0, 1, 2, 1, 0, 3, 1, 1)  # Keras's IoU rounds weights down
UNEVEN = [0.1, 0.45, 0.8]
ROWS = [
    MetricRow("Mean", values),
    MetricRow("Sum", values),
    MetricRow("Accuracy", same_or_not),
    MetricRow("BinaryAccuracy", multilabel, {"threshold": 0.3}),
    MetricRow("CategoricalAccuracy", classes),
    MetricRow("SparseCategoricalAccuracy", class_numbers),
    MetricRow("SparseCategoricalAccuracy", class_columns),
    MetricRow("TopKCategoricalAccuracy", classes, {"k": 2}),
    MetricRow("SparseTopKCategoricalAccuracy", class_numbers, {"k": 2}),
    MetricRow("SparseTopKCategoricalAccuracy", sorted_numbers, {"k": 2, "from_sorted_ids": True}),
    MetricRow("MeanSquaredError", numbers),
    MetricRow("RootMeanSquaredError", numbers),
    MetricRow("MeanAbsoluteError", numbers),
    MetricRow("MeanAbsolutePercentageError", numbers),
    MetricRow("MeanSquaredLogarithmicError", counts),
    MetricRow("CosineSimilarity", numbers),
    MetricRow("LogCoshError", numbers),
    MetricRow("R2Score", numbers),
    MetricRow("R2Score", numbers, {"class_aggregation": "variance_weighted_average"}),
    # For the adjusted R2 Keras counts samples of weight 0, too.
    MetricRow(
        "R2Score",
        numbers,
        {"class_aggregation": None, "num_regressors": 1},
        weights=(1, 0.5, 2, 1, 1, 1, 1.5, 1),
    ),
    MetricRow("PearsonCorrelation", numbers, rtol=1e-4),
    MetricRow("ConcordanceCorrelation", numbers, rtol=1e-4),
    MetricRow("Hinge", logits),
    MetricRow("SquaredHinge", logits),
    MetricRow("CategoricalHinge", classes),
    MetricRow("KLDivergence", classes, rtol=1e-4),
    MetricRow("Poisson", counts),
    MetricRow("BinaryCrossentropy", logits, {"from_logits": True, "label_smoothing": 0.1}),
    MetricRow("CategoricalCrossentropy", classes, {"label_smoothing": 0.1}),
    MetricRow("SparseCategoricalCrossentropy", class_numbers),
    MetricRow("TruePositives", binary),
    MetricRow("TruePositives", vectors, {"thresholds": UNEVEN}),
    MetricRow("FalsePositives", multilabel, {"thresholds": 0.7}),
    MetricRow("TrueNegatives", multilabel, {"thresholds": [0.0, 0.5, 1.0]}),
    MetricRow("FalseNegatives", multilabel),
    MetricRow("Precision", multilabel, {"thresholds": UNEVEN}),
    MetricRow("Precision", multilabel, {"top_k": 2}),
    MetricRow("Precision", multilabel, {"class_id": 1}),
    MetricRow("Recall", binary),
    MetricRow("Recall", multilabel, {"top_k": 1, "class_id": 2}),
    MetricRow("SensitivityAtSpecificity", binary, {"specificity": 0.4}),
    MetricRow("SpecificityAtSensitivity", multilabel, {"sensitivity": 0.4, "num_thresholds": 7}),
    MetricRow("PrecisionAtRecall", vectors, {"recall": 0.5}),
    MetricRow("RecallAtPrecision", multilabel, {"precision": 0.6, "class_id": 1}),
    MetricRow("RecallAtPrecision", binary, {"precision": 0.6, "num_thresholds": 1}),
    MetricRow("AUC", binary),
    MetricRow("AUC", logits, {"from_logits": True, "curve": "PR"}),
    MetricRow("AUC", vectors, {"curve": "PR", "summation_method": "majoring"}),
    MetricRow("AUC", vectors, {"summation_method": "minoring", "thresholds": UNEVEN}),
    MetricRow("AUC", binary, {"curve": "PRGAIN", "num_thresholds": 20}),
    MetricRow("AUC", multilabel, {"multi_label": True}),
    MetricRow("AUC", multilabel, {"multi_label": True, "num_labels": 3, "thresholds": UNEVEN}),
    MetricRow(
        "AUC",
        multilabel,
        {"multi_label": True, "label_weights": [0.2, 0.5, 0.3], "curve": "PR"},
    ),
    MetricRow("AUC", multilabel, {"label_weights": [0.2, 0.5, 0.3]}),
    MetricRow("FBetaScore", multilabel, {"beta": 2.0, "threshold": 0.6}),
    MetricRow("FBetaScore", classes, {"average": "micro", "beta": 0.5}),
    MetricRow("F1Score", classes, {"average": "weighted"}),
    MetricRow("F1Score", classes, {"average": "macro"}),
    MetricRow("IoU", pixels, {"num_classes": 4, "target_class_ids": [0, 2]}, weights=WHOLE),
    MetricRow("MeanIoU", pixels, {"num_classes": 4, "ignore_class": 1}, weights=WHOLE),
    MetricRow("BinaryIoU", vectors, {"threshold": 0.4}, weights=WHOLE),
    MetricRow(
        "OneHotIoU", pixel_scores, {"num_classes": 4, "target_class_ids": [1]}, weights=WHOLE
    ),
    MetricRow("OneHotMeanIoU", pixel_scores, {"num_classes": 4}, weights=WHOLE),
]
NEEDED = {"num_classes", "specificity", "sensitivity", "recall", "precision"}
NAMES = [f"{i}_{row.cls}" for i, row in enumerate(ROWS)]
parametrize_rows = pytest.mark.parametrize("row", ROWS, ids=NAMES)


def _make(k: Any, row: MetricRow) -> Any:
    return getattr(k.metrics, row.cls)(**row.args)


def _batches(row: MetricRow) -> list[tuple[tuple[np.ndarray, ...], np.ndarray | None]]:
    """Three batches of one size: unweighted, weighted with zeros, unweighted."""
    rng = np.random.default_rng(1)
    weights = np.array(row.weights, "int32" if row.weights is WHOLE else "float32")
    data = [row.make(rng, 8) for _ in range(3)]
    return [(data[0], None), (data[1], weights), (data[2], None)]


def test_every_metric_has_a_row():
    without = {"Metric", "MeanMetricWrapper"}
    assert {name for name in dir(keras.metrics) if name[0].isupper()} - without == {
        row.cls for row in ROWS
    }


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")  # by Keras's IoU
@parametrize_rows
def test_metric_is_keras(row: MetricRow):
    ours, theirs = _make(cornu, row), _make(keras, row)
    assert ours.direction in (None, getattr(theirs, "_direction", ours.direction))
    for _ in range(2):
        for data, weights in _batches(row):
            ours.update_state(*data, sample_weight=weights)
            theirs.update_state(*data, sample_weight=weights)
            np.testing.assert_allclose(ours.result(), theirs.result(), row.rtol, 1e-6)
        assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
        assert [v.shape for v in ours.variables] == [v.shape for v in theirs.variables]
        ours.reset_state()
        theirs.reset_state()
    assert all(not np.any(v.numpy()) for v in ours.variables)


@pytest.mark.parametrize("row", repeated_are_slow(ROWS, NAMES, "cls"))
def test_compiled_updates_are_the_same(row: MetricRow):
    eager, compiled = _make(cornu, row), _make(cornu, row)
    (data, _), (more, weights), _ = _batches(row)
    ones = np.ones_like(weights)
    compiled.create_variables(*data, sample_weight=ones)
    assert not any(np.any(v.numpy()) for v in compiled.variables)
    update = jax.jit(
        lambda values, data, w: compiled.stateless_update_state(values, *data, sample_weight=w)
    )
    values = [v.value for v in compiled.variables]
    values = update(values, data, ones)
    # Weight 0 must hide what padding may hold.
    weights[-1] = 0
    padded = tuple(a.copy() for a in more)
    padded[-1][-1] = np.nan if np.issubdtype(padded[-1].dtype, np.floating) else 1
    values = update(values, padded, weights)
    assert update._cache_size() == 1
    eager.update_state(*data)
    eager.update_state(*(a[:-1] for a in more), sample_weight=weights[:-1])
    np.testing.assert_allclose(compiled.stateless_result(values), eager.result(), 1e-4, 1e-6)
    assert [np.any(v) for v in compiled.stateless_reset_state()] == [False] * len(values)


@parametrize_rows
def test_config_round_trip_in_both_directions(row: MetricRow):
    ours = _make(cornu, row)
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(ours))))
    assert type(again) is type(ours)
    assert json.dumps(metrics.serialize(again)) == json.dumps(metrics.serialize(ours))
    theirs = json.loads(json.dumps(keras.metrics.serialize(_make(keras, row))))
    config = metrics.deserialize(theirs).get_config()
    assert {**theirs["config"], **config} == config


def test_names_resolve_as_in_keras():
    without_arguments = {row.cls for row in ROWS if not NEEDED & set(row.args)}
    for name in without_arguments:
        for spelled in (name, snake_case(name)):
            ours, theirs = metrics.get(spelled), keras.metrics.get(spelled)
            assert type(ours).__name__ == type(theirs).__name__ == name
    for name in "bce BCE mse MSE mae MAE mape MAPE msle MSLE".split():
        assert metrics.get(name).name == keras.metrics.get(name).name
