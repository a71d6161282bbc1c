"""Losses and metrics of integer predictions are those of the same numbers as floats."""

import numpy as np
import pytest

from cornu import losses, metrics
from tests.conformance.test_metrics import NAMES as METRIC_NAMES
from tests.conformance.test_metrics import ROWS as METRIC_ROWS
from tests.losses.test_half_precision import LOSSES
from tests.sampling import slow_except


def _as_bytes(x: np.ndarray) -> np.ndarray:
    """Returns bytes that are not all 0 and 1."""
    return np.clip(np.abs(np.asarray(x, "float32")) * 100, 0, 255).astype("uint8")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", LOSSES)
def test_losses(row):
    y_true, y_pred = row.make(np.random.default_rng(0))
    y_pred = _as_bytes(y_pred)
    loss = getattr(losses, row.cls)(**row.args)
    expected = loss.fn(y_true, y_pred.astype("float32"), **row.args)
    # The function, because the class converts its arguments itself.
    found = loss.fn(y_true, y_pred, **row.args)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("row", slow_except(METRIC_ROWS, 16), ids=METRIC_NAMES)
def test_metrics(row):
    *labels, y_pred = row.make(np.random.default_rng(0), 8)
    if y_pred.dtype.kind == "f":
        y_pred = _as_bytes(y_pred)
    results = [
        getattr(metrics, row.cls)(**row.args)(*labels, predictions)
        for predictions in (y_pred, y_pred.astype("float32"))
    ]
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_float_labels_are_not_truncated_to_the_dtype_of_the_predictions():
    y_true, y_pred = np.array([0.5, 1.0, 300.0]), np.array([0, 1, 44], "uint8")
    assert metrics.Accuracy()(y_true, y_pred) == pytest.approx(1 / 3)
    assert metrics.BinaryAccuracy()(y_true[:2], y_pred[:2]) == 0.5
