"""Each check fires on a wrong program and is silent on the right one next to it."""

import pathlib
import warnings

import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, layers, ops
from cornu.inspect.checks import KINDS, Finding, Report
from cornu.inspect.checks.catalog import document
from cornu.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten
from cornu.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from cornu.metrics import BinaryAccuracy
from cornu.optimizers import SGD, Adam

ROWS = 300
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 4)).astype("float32")
LABELS = np.arange(ROWS) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
SEVERAL = (RANDOM.random((ROWS, 3)) < 0.7).astype("float32")
BITS = (LABELS > 0).astype("float32")
REAL = X[:, :1] * 3
PIXELS = RANDOM.integers(0, 256, (ROWS, 4, 4, 1)).astype("uint8")

SPARSE, CATEGORICAL, BINARY = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
)


def net(*stack, loss="mse", optimizer="sgd", metrics=None, shape=(4,), dtype="float32"):
    model = Sequential([Input(shape, dtype=dtype), *stack])
    model.compile(optimizer, loss, metrics=metrics)
    return model


def head(units, activation, loss, **kwargs):
    return net(Dense(units, activation=activation, name="head"), loss=loss, **kwargs)


def frozen(layer):
    layer.trainable = False
    return layer


def learned():
    layer = BatchNormalization()
    layer(X[:, :2], training=True)
    return layer


def one_unit(activation):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return head(1, activation, "mse").check()


def one_class(units):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return head(units, None, SparseCategoricalCrossentropy(from_logits=True)).check()


def on_two_devices(layer, batch_size):
    with cornu.distribution.FullySharded(devices=["cpu:0", "cpu:1"]).scope():
        model = net(layer, shape=(3 if isinstance(layer, Dense) else 4,))
        if isinstance(layer, Dense):
            return model.check(batch_size=batch_size)
        return model.check(X, np.abs(X), batch_size=batch_size)


def no_weights():
    return head(1, None, "mse").check(X, REAL, np.zeros(ROWS))


def two_heads(losses):
    x = Input((4,))
    a, b = Dense(1, name="a")(x), Dense(1, name="b")(x)
    model = Model(x, [a, b])
    model.compile("sgd", losses)
    return model.check()


def dead(step):
    x = Input((4,))
    hidden = step(Dense(3, name="before")(x))
    model = Model(x, Dense(1)(hidden))
    model.compile("sgd", "mse")
    return model.check(X, REAL)


def masked(keep):
    ids = Input((5,), dtype="int32")
    h = layers.Embedding(10, 4, mask_zero=True)(ids)
    h = h if keep else h * 2.0
    model = Model(ids, Dense(1)(layers.LSTM(3)(h)))
    model.compile("sgd", "mse")
    return model.check()


def same_names(same):
    x = Input((4,))
    model = Model(x, [Dense(1, name="out")(x), Dense(1, name="out" if same else "more")(x)])
    model.compile("sgd", "mse")
    return model.check()


def uncalled(call):
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.used, self.other = Dense(1), Dense(1)

        def call(self, x):
            return self.used(x) + (self.other(x) if call else 0.0)

    model = Net()
    model.compile("sgd", "mse")
    return model


def subclass(activation, loss):
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(3, activation=activation)

        def call(self, x):
            return self.dense(x)

    model = Net()
    model.compile("sgd", loss)
    return model.check(X, LABELS)


def normalized(*stack, batch_size=None):
    return net(*stack, Dense(1)).check(X, REAL, batch_size=batch_size)


def validated(x, y):
    return head(1, None, "mse").check(X, REAL, validation_data=(x, y))


def half(optimizer_scales):
    policy = cornu.config.dtype_policy()
    cornu.config.set_dtype_policy("mixed_float16")
    try:
        model = Sequential([Input((4,)), Dense(1, dtype="float32")])
        model.compile("sgd", "mse", auto_scale_loss=optimizer_scales)
        return model.check()
    finally:
        cornu.config.set_dtype_policy(policy)


LOGITS = SparseCategoricalCrossentropy(from_logits=True)
BINARY_LOGITS = BinaryCrossentropy(from_logits=True)
CONSTANT = np.ones((ROWS, 4), "float32")
ONE_COLUMN = np.concatenate([X[:, :3], CONSTANT[:, :1]], 1)


def with_rate(rate):
    optimizer = SGD(0.1)
    optimizer.learning_rate.assign(rate)
    return optimizer


CASES = {
    "C001": (
        lambda: head(3, "softmax", SPARSE).check(X, LABELS + 1),
        lambda: head(3, "softmax", SPARSE).check(X, LABELS),
    ),
    "C002": (
        lambda: net(Dense(1), optimizer=with_rate(float("nan"))).check(),
        lambda: net(Dense(1), optimizer=SGD(0.1)).check(),
    ),
    "C003": (
        lambda: net(frozen(Dense(2)), frozen(Dense(1))).check(),
        lambda: net(frozen(Dense(2)), Dense(1)).check(),
    ),
    "C010": (
        lambda: head(3, None, SPARSE).check(X, LABELS),
        lambda: head(3, None, LOGITS).check(X, LABELS),
    ),
    "C011": (
        lambda: head(3, "softmax", LOGITS).check(X, LABELS),
        lambda: head(3, "softmax", SPARSE).check(X, LABELS),
    ),
    "C012": (lambda: one_unit("softmax"), lambda: one_unit("sigmoid")),
    "C013": (
        lambda: net(Dense(3, activation="softmax"), layers.Softmax(), loss=SPARSE).check(),
        lambda: net(Dense(3), layers.Softmax(), loss=SPARSE).check(),
    ),
    "C014": (
        lambda: head(1, "relu", "mse").check(X, REAL),
        lambda: head(1, "relu", "mse").check(X, abs(REAL)),
    ),
    "C015": (
        lambda: head(3, "sigmoid", CATEGORICAL).check(X, ONE_HOT),
        lambda: head(3, "sigmoid", BINARY).check(X, ONE_HOT),
    ),
    "C016": (
        lambda: head(3, "softmax", BINARY).check(X, SEVERAL),
        lambda: head(3, "sigmoid", BINARY).check(X, SEVERAL),
    ),
    "C017": (
        lambda: head(1, "tanh", "mse").check(X, REAL),
        lambda: head(1, "tanh", "mse").check(X, np.tanh(REAL)),
    ),
    "C018": (
        lambda: head(3, "softmax", CATEGORICAL).check(X, SEVERAL),
        lambda: head(3, "softmax", CATEGORICAL).check(X, ONE_HOT),
    ),
    "C019": (
        lambda: net(Dense(1), Dropout(0.5)).check(),
        lambda: net(Dense(2), Dropout(0.5), Dense(1)).check(),
    ),
    "C020": (lambda: two_heads({"a": "mse"}), lambda: two_heads({"a": "mse", "b": "mse"})),
    "C021": (lambda: dead(ops.stop_gradient), lambda: dead(ops.relu)),
    "C022": (lambda: masked(False), lambda: masked(True)),
    "C024": (lambda: same_names(True), lambda: same_names(False)),
    "C025": (lambda: one_class(1), lambda: one_class(2)),
    "C030": (
        lambda: normalized(Dense(2), frozen(BatchNormalization())),
        lambda: normalized(Dense(2), BatchNormalization()),
    ),
    "C031": (
        lambda: normalized(frozen(Dense(2)), BatchNormalization()),
        lambda: normalized(frozen(Dense(2)), frozen(BatchNormalization())),
    ),
    "C032": (
        lambda: normalized(Dense(2), BatchNormalization(), batch_size=1),
        lambda: normalized(Dense(2), BatchNormalization(), batch_size=2),
    ),
    "C033": (
        lambda: normalized(Dense(2), frozen(learned())),
        lambda: normalized(Dense(2), learned()),
    ),
    "C040": (
        lambda: net(Conv2D(2, 3), Flatten(), Dense(1), shape=(4, 4, 1)).check(PIXELS, BITS),
        lambda: net(Conv2D(2, 3), Flatten(), Dense(1), shape=(4, 4, 1)).check(PIXELS / 255, BITS),
    ),
    "C041": (
        lambda: head(1, None, "mse").check(CONSTANT, REAL),
        lambda: head(1, None, "mse").check(X, REAL),
    ),
    "C042": (
        lambda: head(1, None, "mse").check(ONE_COLUMN, REAL),
        lambda: head(1, None, "mse").check(X, REAL),
    ),
    "C043": (
        lambda: head(3, "softmax", SPARSE).check(X, LABELS * 0),
        lambda: head(3, "softmax", SPARSE).check(X, LABELS),
    ),
    "C044": (
        lambda: net(Dense(1), dtype="int32").check(X, REAL),
        lambda: net(Dense(1), dtype="int32").check(np.trunc(X), REAL),
    ),
    "C045": (
        lambda: net(Dense(1, dtype="mixed_float16")).check(X * 1e5, REAL),
        lambda: net(Dense(1, dtype="mixed_float16")).check(X, REAL),
    ),
    "C046": (no_weights, lambda: head(1, None, "mse").check(X, REAL, np.ones(ROWS))),
    "C047": (lambda: validated(X, REAL), lambda: validated(-X, REAL)),
    "C050": (
        lambda: head(1, None, "mse", metrics=["accuracy"]).check(X, REAL),
        lambda: head(1, None, "mse", metrics=["mae"]).check(X, REAL),
    ),
    "C051": (
        lambda: head(1, None, BINARY_LOGITS, metrics=["accuracy"]).check(X, BITS),
        lambda: head(1, None, BINARY_LOGITS, metrics=[BinaryAccuracy(threshold=0.0)]).check(
            X, BITS
        ),
    ),
    "C052": (
        lambda: net(Dense(1), optimizer=Adam(10.0)).check(),
        lambda: net(Dense(1), optimizer=Adam(0.1)).check(),
    ),
    "C053": (lambda: half(False), lambda: half(True)),
    "C054": (lambda: subclass(None, SPARSE), lambda: subclass("softmax", SPARSE)),
    "C070": (lambda: on_two_devices(Dense(343), 4), lambda: on_two_devices(Dense(344), 4)),
    "C071": (
        lambda: on_two_devices(layers.Lambda(ops.relu), 25),
        lambda: on_two_devices(layers.Lambda(ops.relu), 24),
    ),
}

# Reported when they occur: when a step is prepared, and at the end of a fit.
ELSEWHERE = {"C023", "C060", "C061", "C090"}


def test_every_kind_has_a_case():
    assert set(CASES) | ELSEWHERE == set(KINDS)


@pytest.mark.parametrize("code", CASES)
def test_fires_on_the_wrong_program(code):
    report = CASES[code][0]()
    found = [finding for finding in report if finding.code == code]
    assert found, report
    assert found[0].severity == KINDS[code].severity
    assert all(finding.severity != "error" or finding.code == code for finding in report)


@pytest.mark.parametrize("code", CASES)
def test_is_silent_on_the_right_program(code):
    report = CASES[code][1]()
    assert code not in report.codes, report
    assert not [finding for finding in report if finding.severity != "info"], report


def test_a_layer_that_is_never_called():
    with pytest.warns(cornu.errors.ModelWarning, match="C023 .*owns layers"):
        uncalled(False).fit(X[:8], REAL[:8], verbose=0)
    uncalled(True).fit(X[:8], REAL[:8], verbose=0)


# ------------------------------------------------------------------------------- milder, and where


def severity(report, code):
    return [finding.severity for finding in report if finding.code == code]


def test_softmax_with_binary_crossentropy_and_one_class_per_row_is_an_info():
    assert severity(head(3, "softmax", BINARY).check(X, ONE_HOT), "C016") == ["info"]


def test_few_rows_are_not_conclusive():
    few = slice(0, 20)
    assert severity(head(3, "softmax", SPARSE).check(X[few], LABELS[few] * 0), "C043") == ["info"]
    assert severity(head(1, None, "mse").check(CONSTANT[few], REAL[few]), "C041") == ["info"]


def test_a_generator_may_be_trained_on_one_label():
    judge = frozen(Dense(1, activation="sigmoid"))
    report = net(Dense(4, activation="tanh"), judge, loss=BINARY).check(X, np.ones(ROWS))
    assert severity(report, "C043") == ["info"]


def test_constant_targets_of_a_regression_are_an_info():
    assert severity(head(1, None, "mse").check(X, REAL * 0), "C043") == ["info"]


def test_an_output_that_has_no_loss_on_purpose_is_an_info():
    assert severity(two_heads({"a": "mse", "b": None}), "C020") == ["info"]


def test_batch_normalization_of_images_may_have_single_rows():
    model = net(Conv2D(2, 3), BatchNormalization(), Flatten(), Dense(1), shape=(8, 8, 1))
    assert "C032" not in model.check(np.ones((4, 8, 8, 1)), BITS[:4], batch_size=1).codes


def test_pixels_that_the_model_scales_are_right():
    x = Input((4, 4, 1))
    for scaled in (x / 255.0, BatchNormalization()(x), layers.Lambda(lambda v: v / 255)(x)):
        model = Model(x, Dense(1)(Flatten()(Conv2D(2, 3)(scaled))))
        model.compile("sgd", "mse")
        assert "C040" not in model.check(PIXELS, BITS).codes


def test_ids_are_not_on_a_wrong_scale():
    model = net(layers.Embedding(9000, 2), Flatten(), Dense(1), dtype="int32")
    assert not model.check(RANDOM.integers(0, 9000, (ROWS, 4)), REAL).codes


def bottleneck(x):
    return Dense(3, activation="softmax", name="inner")(x)


def test_a_finding_has_a_location():
    x = Input((4,))
    model = Model(x, bottleneck(bottleneck(x)))
    model.compile("sgd", LOGITS)
    finding = next(f for f in model.check() if f.code == "C011")
    assert finding.path == "bottleneck_1/inner_1"
    line = bottleneck.__code__.co_firstlineno + 1
    assert finding.place == f"tests/inspect/checks/test_checks.py:{line}"


def test_a_head_inside_a_nested_model_is_found():
    x = Input((4,))
    inner = Model(x, bottleneck(x), name="classifier")
    y = Input((4,))
    model = Model(y, layers.Reshape((3,))(inner(y)))
    model.compile("sgd", LOGITS)
    assert [f.path for f in model.check() if f.code == "C011"] == ["classifier/bottleneck/inner"]


def test_layers_between_activation_and_output_do_not_hide_it():
    x = Input((5, 4))
    h = layers.TimeDistributed(Dense(3, name="logits"))(x)
    model = Model(x, layers.Activation("linear")(h))
    model.compile("sgd", SPARSE)
    assert model.check().codes == ["C010"]


def test_activations_may_be_ops():
    x = Input((4,))
    for output, codes in (
        (ops.softmax(Dense(3)(x)), ["C011"]),
        (cornu.activations.softmax(Dense(3)(x)), ["C011"]),
        (ops.reshape(ops.relu(Dense(3)(x)), (-1, 3)), ["C014"]),
        (ops.log(Dense(3)(x)), []),
    ):
        model = Model(x, output)
        model.compile("sgd", LOGITS)
        assert model.check().codes == codes


def test_weighted_one_hot_rows_are_no_several_classes():
    model = head(3, "softmax", CATEGORICAL)
    assert "C018" not in model.check(X, ONE_HOT * 5 * REAL).codes


def test_a_norm_before_the_loss_is_not_reported():
    x = Input((4,))
    model = Model(x, BatchNormalization()(Dense(3)(x)))
    model.compile("sgd", SPARSE)
    assert model.check().codes == []


def test_a_layer_that_loses_a_mask_is_named():
    ids = Input((5,), dtype="int32")
    h = layers.Embedding(10, 4, mask_zero=True)(ids)
    with pytest.warns(cornu.errors.ModelWarning, match="C022 .*does not support masking"):
        h = layers.Conv1D(2, 2, name="gram")(h)
    model = Model(ids, Dense(1)(Flatten()(h)))
    model.compile("sgd", "mse")
    assert [f.path for f in model.check() if f.code == "C022"] == ["gram"]


def test_weights_of_a_subclass_without_gradient():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = Dense(3, name="a"), Dense(1, name="b")

        def call(self, x):
            return self.b(ops.cast(ops.argmax(self.a(x), -1, keepdims=True), "float32"))

    model = Net()
    model.compile("sgd", "mse")
    report = model.check(X, REAL)
    assert [f.path for f in report if f.code == "C021"] == ["net/a/kernel", "net/a/bias"]


def test_layers_behind_an_op_without_gradient_are_found_in_the_graph():
    def decoded_outputs(join):
        x = Input((4,))
        scores = Dense(3, name="scores")(x)
        model = Model(x, Dense(1)(join(scores, x)))
        model.compile("sgd", "mse")
        return [(f.path, "'argmax'" in f.text) for f in model.check() if f.code == "C021"]

    def choice(scores):
        return ops.cast(ops.argmax(scores, -1, keepdims=True), "float32")

    assert decoded_outputs(lambda scores, x: choice(scores)) == [("scores", True)]
    assert decoded_outputs(lambda scores, x: ops.concatenate([choice(scores), scores], -1)) == []
    assert decoded_outputs(lambda scores, x: ops.stop_gradient(scores)) == []


def test_weights_without_gradient_are_found_in_equal_blocks():
    def unit(x):
        kept = Dense(4)(x)
        return kept + ops.stop_gradient(Dense(4, name="stopped")(x))

    x = Input((4,))
    model = Model(x, Dense(1)(unit(unit(unit(x)))))
    model.compile("sgd", "mse")
    found = [f.path for f in model.check(X, REAL) if f.code == "C021"]
    assert found == [
        f"unit{n}/stopped{m}/{name}"
        for n, m in (("", ""), ("_1", "_1"), ("_2", "_2"))
        for name in ("kernel", "bias")
    ]


def test_unknown_learning_rates_are_not_reported():
    schedule = cornu.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    assert net(Dense(1), optimizer=SGD(schedule)).check().codes == []


# --------------------------------------------------------------------------------------- the report


def test_a_report_prints_as_a_table():
    report = Report([Finding("C031", "a"), Finding("C010", "Output <b>.", "head", "net.py:3")])
    assert report.codes == ["C010", "C031"] and len(report) == 2
    text = repr(report)
    assert (
        "C010  warning  cross-entropy on an output without activation\n      head (net.py:3)"
        in text
    )
    html = report._repr_html_()
    assert html.count("<tr>") == 3 and "Output &lt;b&gt;." in html
    assert repr(Report([])) == "No findings." in Report([])._repr_html_()


def test_codes_are_ignored_on_request():
    model = head(3, None, SPARSE)
    assert model.check(ignore=["C010"]).codes == []
    with pytest.raises(ValueError, match="Unknown check 'C999'"):
        model.check(ignore=["C999"])


def test_the_page_of_checks_is_that_of_the_table():
    page = pathlib.Path(__file__).parents[3] / "docs" / "checks.md"
    assert page.read_text(encoding="utf-8") == document()
