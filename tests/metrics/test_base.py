"""Custom metrics: Variables, state without side effects, names, configs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import metrics
from cornu.core.state import scope


class Largest(metrics.Metric):
    """Makes its Variable for the first batch."""

    def __init__(self, scale=1.0, name="largest", dtype=None):
        super().__init__(dtype=dtype, name=name)
        self.scale = scale
        self.seen = self.add_weight(name="seen")
        self.value = None

    def update_state(self, y_true, y_pred, sample_weight=None):
        if self.value is None:
            self.value = self.add_variable(y_pred.shape[1:], "zeros", name="value")
        self.seen.assign_add(1)
        self.value.assign(jnp.maximum(self.value.value, jnp.max(y_pred, axis=0)))

    def result(self):
        return self.scale * jnp.max(self.value.value)


def test_a_metric_of_the_user():
    metric = Largest(scale=2.0)
    x = np.array([[1.0, 5.0]], "float32")
    assert metric(x, x) == 10.0 and metric(x, -x) == 10.0
    assert [v.path for v in metric.variables] == ["largest/seen", "largest/value"]
    assert [v.role for v in metric.variables] == ["metric", "metric"]
    metric.reset_state()
    assert metric.result() == 0.0 and metric.seen.value == 0.0
    again = metrics.deserialize(metrics.serialize(metric), {"Largest": Largest})
    assert again.scale == 2.0 and again.name == "largest"


def test_prepare_creates_variables_and_computes_nothing():
    metric = Largest()
    spec = jax.ShapeDtypeStruct((4, 2), "float32")
    metric.create_variables(spec, spec, sample_weight=None)
    assert [v.shape for v in metric.variables] == [(), (2,)]
    assert metric.seen.value == 0.0


def test_stateless_calls_assign_nothing():
    metric = metrics.Mean()
    values = metric.stateless_update_state(metric.variables, [1.0, 3.0])
    values = jax.jit(metric.stateless_update_state)(values, jnp.array([5.0, 7.0]))
    assert metric.stateless_result(values) == 4.0
    assert metric.result() == 0.0
    metric.update_state([2.0])
    assert metric.stateless_reset_state() == [0.0, 0.0]
    assert metric.result() == 2.0
    with pytest.raises(ValueError, match="has 2 Variables; received 1"):
        metric.stateless_result(values[:1])
    with pytest.raises(ValueError, match="create_variables"):
        metrics.F1Score().stateless_update_state([0.0], [[1.0]], [[1.0]])


def test_a_metric_inside_a_metric():
    class Both(metrics.Metric):
        def __init__(self):
            super().__init__(name="both")
            self.parts = [metrics.Mean(name="a"), metrics.Sum(name="b")]

        def update_state(self, values):
            for part in self.parts:
                part.update_state(values)

        def result(self):
            return {part.name: part.result() for part in self.parts}

    both = Both()
    assert both([1.0, 3.0]) == {"a": 2.0, "b": 4.0}
    assert len(both.variables) == 3
    both.reset_state()
    assert both.result() == {"a": 0.0, "b": 0.0}


def test_names_and_directions():
    assert metrics.AUC(name="x").name == "x"
    assert metrics.AUC().name.startswith("auc")
    assert metrics.MeanSquaredError().direction == "down"
    assert metrics.AUC().direction == "up"
    assert metrics.Mean().direction is None
    with pytest.raises(NotImplementedError, match="update_state"):
        metrics.Metric()(1)


def test_a_mask_of_predictions_leaves_out():
    y_true, y_pred = np.zeros((2, 3)), jnp.arange(6.0).reshape(2, 3)
    mask = np.array([[1, 0, 0], [0, 0, 1]], bool)
    scope.current().masks.put(y_pred, mask)
    metric = metrics.MeanMetricWrapper(lambda y, p: jnp.abs(y - p), name="error")
    # As in Keras: a sample counts with the mean of its mask.
    np.testing.assert_allclose(metric(y_true, y_pred), 2.5)
    metric.reset_state()
    np.testing.assert_allclose(metric(y_true, y_pred, sample_weight=[1.0, 0.0]), 0.0)


def test_ignored_classes_do_not_count():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    y_pred = np.full((3, 2), 0.5, "float32")
    np.testing.assert_allclose(metric([0, -1, -1], y_pred), np.log(2), 1e-6)


def test_vectors_have_a_value_for_each_sample():
    metric = metrics.MeanSquaredError()
    y_true, y_pred = np.float32([1, 2, 3]), np.float32([1, 2, 5])
    assert metric(y_true, y_pred, sample_weight=np.float32([1, 1, 0])) == 0
    assert metrics.MeanSquaredError()(y_true, y_pred) == pytest.approx(4 / 3)


def test_short_floats_are_widened():
    y_pred = jnp.full((1000, 1), 0.1, "bfloat16")
    expected = float(y_pred[0, 0]) ** 2
    np.testing.assert_allclose(
        metrics.MeanSquaredError()(np.zeros((1000, 1)), y_pred), expected, 1e-6
    )
    assert metrics.Mean(dtype="mixed_float16").dtype == "float16"


@pytest.mark.parametrize(
    ("make", "true", "pred"),
    [
        (lambda: metrics.BinaryAccuracy(), (4, 1), (4, 3)),
        (lambda: metrics.CategoricalAccuracy(), (4,), (4, 3)),
        (lambda: metrics.SparseCategoricalAccuracy(), (4, 3), (4, 3)),
        (lambda: metrics.RootMeanSquaredError(), (4, 2), (4, 3)),
        (lambda: metrics.AUC(), (4, 1), (4, 3)),
        (lambda: metrics.Precision(), (4,), (4, 3)),
        (lambda: metrics.F1Score(), (4, 1), (4, 3)),
        (lambda: metrics.R2Score(), (4, 2), (4, 3)),
        (lambda: metrics.MeanIoU(num_classes=2), (4, 2), (4, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_errors(make, true, pred):
    with pytest.raises(ValueError) as error:
        make()(np.ones(true), np.ones(pred, "float32"))
    assert str(true) in str(error.value) and str(pred) in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), "1.5"),
        (lambda: metrics.AUC(curve="LIFT"), "PRGAIN"),
        (lambda: metrics.AUC(num_thresholds=1), "between 2 and"),
        (lambda: metrics.AUC(summation_method="sum"), "minoring"),
        (lambda: metrics.AUC(num_labels=3), "multi_label"),
        (lambda: metrics.PrecisionAtRecall(1.5), "between 0 and 1"),
        (lambda: metrics.FBetaScore(beta=1), "positive float"),
        (lambda: metrics.FBetaScore(average="mean"), "macro"),
        (lambda: metrics.FBetaScore(threshold=2.0), "threshold"),
        (lambda: metrics.IoU(2, [2]), "less than the number of classes, 2"),
        (lambda: metrics.R2Score("mean"), "uniform_average"),
        (lambda: metrics.R2Score(num_regressors=-1), "at least 0"),
        (lambda: metrics.get("acuracy"), "'accuracy'"),
        (lambda: metrics.Precision(class_id=0)([1.0], [1.0]), "class_id"),
        (lambda: metrics.F1Score()([1.0], [1.0]), "batch, classes"),
        (lambda: metrics.R2Score()([1.0], [1.0]), "batch, outputs"),
        (lambda: metrics.AUC(multi_label=True)([1.0], [1.0]), "batch, labels"),
        (lambda: metrics.Mean().update_state([1.0, 2.0], [1.0, 2.0, 3.0]), "do not match"),
    ],
)
def test_wrong_arguments_are_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_fractional_weights_count_in_iou():
    metric = metrics.MeanIoU(num_classes=2)
    found = metric([0, 0, 1, 1], [0, 1, 0, 1], sample_weight=[0.3, 0.3, 0.3, 0.1])
    np.testing.assert_allclose(found, (0.3 / 0.9 + 0.1 / 0.7) / 2, 1e-5)
    assert metrics.MeanIoU(num_classes=2, dtype="int32").total_cm.dtype == "int32"


def test_adjusted_r2_without_enough_samples_is_the_plain_one():
    y_true, y_pred = np.float32([[1], [2], [4]]), np.float32([[1], [2], [3]])
    plain = metrics.R2Score()(y_true, y_pred)
    with pytest.warns(UserWarning, match="needs at least 4 samples, received 3") as caught:
        assert metrics.R2Score(num_regressors=2)(y_true, y_pred) == plain
    assert caught[0].filename == __file__
    metric = metrics.R2Score(num_regressors=2)
    metric.update_state(y_true, y_pred)
    compiled = jax.jit(metric.stateless_result)([v.value for v in metric.variables])
    np.testing.assert_allclose(compiled, plain, 1e-6)
    assert metrics.R2Score(num_regressors=1)(y_true, y_pred) < plain


def test_a_wrapper_finds_its_function_again():
    for fn in (metrics.binary_accuracy, metrics.mean_squared_error):
        metric = metrics.MeanMetricWrapper(fn, name="m")
        again = metrics.deserialize(metrics.serialize(metric))
        assert again.fn is fn and again.name == "m"
    assert cornu.metrics.get(metrics.mean_squared_error) is metrics.mean_squared_error
