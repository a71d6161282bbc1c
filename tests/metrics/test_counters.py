"""Sums and counts of metrics remain exact beyond 2**24, where float32 stops counting."""

from copy import deepcopy

import jax
import numpy as np
import pytest

import cornu
from cornu import layers, metrics
from cornu.core.state import scope
from cornu.core.state.accumulator import Accumulator
from tests.conformance.test_metrics import NAMES, ROWS, MetricRow
from tests.sampling import repeated_are_slow


def _exact(metric: metrics.Metric) -> list[np.ndarray]:
    """Returns the state in float64, with what float32 cannot represent."""
    return [sum(np.asarray(p.value, "float64") for p in v._parts_) for v in metric.variables]


@pytest.mark.parametrize("row", repeated_are_slow(ROWS, NAMES, "cls"))
def test_a_batch_counts_fully_after_a_billion_samples(row: MetricRow):
    metric = getattr(metrics, row.cls)(**row.args)
    batch = row.make(np.random.default_rng(0), 8)
    metric.update_state(*batch)
    once = _exact(metric)
    for variable in metric.variables:
        variable.assign(variable.value * 2.0**27)
    before = _exact(metric)
    for _ in range(3):
        metric.update_state(*batch)
    assert any(np.any(delta) for delta in once)
    for old, delta, new in zip(before, once, _exact(metric), strict=True):
        np.testing.assert_allclose(new - old, 3 * delta, rtol=1e-4)
    metric.reset_state()
    assert not any(np.any(value) for value in _exact(metric))


MANY = 2**24 + 2**12 + 1
LARGE = [
    (lambda: metrics.MeanIoU(2), lambda n: (np.zeros(n, "int8"),) * 2),
    (lambda: metrics.TruePositives(), lambda n: (np.ones(n, bool),) * 2),
    (lambda: metrics.AUC(num_thresholds=3), lambda n: (np.ones(n, bool),) * 2),
    (lambda: metrics.AUC(thresholds=[0.3]), lambda n: (np.zeros(n, bool),) * 2),
    (lambda: metrics.F1Score(), lambda n: (np.ones((n, 1), bool),) * 2),
    (lambda: metrics.R2Score(), lambda n: (np.ones((n, 1), bool),) * 2),
    (lambda: metrics.Accuracy(), lambda n: (np.ones(n, "int8"),) * 2),
    (lambda: metrics.Sum(), lambda n: (np.ones(n, "float16"),)),
    (lambda: metrics.Mean(), lambda n: (np.ones(n, "float16"), np.ones(n, "float16"))),
]


@pytest.mark.slow
@pytest.mark.parametrize(("make", "data"), LARGE)
def test_one_array_is_counted_exactly(make, data):
    metric = make()
    metric.update_state(*data(MANY))
    counts = _exact(metric)
    for count in counts:
        assert set(np.unique(count)) <= {0.0, float(MANY)}
    assert any(np.any(count) for count in counts)


def test_the_pixels_of_a_large_image_are_counted_exactly():
    test_one_array_is_counted_exactly(*LARGE[0])


def test_fit_counts_beyond_2_to_the_24():
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", "accuracy"])
    x = np.ones((8, 1), "float32")

    class StartLate(cornu.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            for variable in self.model.metrics_variables:
                variable.assign(np.full(variable.shape, 2.0**24))

    # The last batch is partial: its rows are counted by their mask.
    model.fit(x, x, batch_size=3, epochs=1, callbacks=[StartLate()], verbose=0)
    for metric in model.metrics:
        assert _exact(metric)[1] == 2**24 + 8, metric.name


def test_user_metrics_count_exactly():
    class Rows(metrics.Metric):
        def __init__(self):
            super().__init__(name="rows")
            self.rows = self.add_weight(name="rows", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.rows.assign_add(y_true.shape[0])

        def result(self):
            return self.rows.value

    metric = Rows()
    metric.rows.assign(2.0**30)
    for _ in range(64):
        metric.update_state(np.ones(1), np.ones(1))
    assert metric.result() == 2**30 + 64


@pytest.mark.parametrize("dtype", ["int32", "uint32", "float16", "bool", "int8"])
def test_integers_are_added_exactly(dtype):
    largest = {"float16": 60000, "bool": 1}.get(dtype) or np.iinfo(dtype).max
    total = Accumulator(0.0, name="total")
    total.assign_add(np.asarray(largest, dtype))
    assert sum(np.float64(part) for part in total._parts_) == np.asarray(largest, dtype)
    total.assign_sub(1)
    total.assign_sub(2**24 + 1)
    expected = np.float64(np.asarray(largest, dtype)) - 2**24 - 2
    assert sum(np.float64(part) for part in total._parts_) == expected


def test_an_accumulator_is_a_variable():
    total = Accumulator(2.0**24, name="total")
    total.assign_add(1)
    again = deepcopy(total)
    again.assign_add(2)
    assert [float(v.residual) for v in (total, again)] == [1.0, -1.0]
    total.assign(5)
    assert [float(v) for v in total._parts_] == [5.0, 0.0]
    total.assign_add(np.inf)
    assert [float(v) for v in total._parts_] == [np.inf, 0.0]
    # Without the residual among the Variables of a pure function, sums are plain ones.
    add = jax.jit(scope.pure(lambda: total.assign_add(2), [total]))
    assert add([np.float32(1)], None)[1] == (3.0,)
    add = jax.jit(scope.pure(lambda: total.assign_add(1), total._parts_))
    assert add([np.float32(2**24), np.float32(0)], None)[1] == (2**24, 1.0)


def test_metrics_of_half_precision_sum_in_float32():
    for make in (metrics.Mean, metrics.Sum):
        metric = make(dtype="float16")
        metric.update_state(np.full(70_000, 1.0, "float16"))
        assert [v.dtype for v in metric.variables] == ["float32"] * len(metric.variables)
        assert metric.result() == {metrics.Mean: 1.0, metrics.Sum: 70_000.0}[make]


def test_pure_updates_count_exactly_with_the_residuals():
    metric = metrics.Mean()
    variables = [*metric.variables, *(variable.residual for variable in metric.variables)]
    update = jax.jit(cornu.pure(metric.update_state, variables))
    values = [np.float32(2**24), np.float32(2**24), np.float32(0), np.float32(0)]
    for _ in range(5):
        values = update(values, None, np.ones(1, "float32"))[1]
    assert float(values[1]) + float(values[3]) == 2**24 + 5
