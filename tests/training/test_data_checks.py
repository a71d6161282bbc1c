"""Invalid data is rejected before the first step."""

import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense
from cornu.training.data_checks import check_values, target_check
from tests.sampling import slow_except

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
LABELS = np.arange(12) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


def model(loss, units=3, activation="softmax"):
    x = Input((4,), name="pixels")
    made = Model(x, Dense(units, activation=activation, name="out")(x))
    made.compile("sgd", loss)
    return made


def with_nan(array):
    array = array.copy()
    array[3, 1] = np.nan
    return array


SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"


@pytest.mark.parametrize(
    ("loss", "x", "y", "message"),
    [
        (SPARSE, X, LABELS + 1, "from 1 to 3, but the output has 3 classes.*subtract 1"),
        (SPARSE, X, LABELS - 5, "from -5 to -3"),
        (SPARSE, X, LABELS + 0.5, "must be integers"),
        (SPARSE, X, ONE_HOT, "For one-hot rows use the loss 'categorical_crossentropy'"),
        (CATEGORICAL, X, LABELS, r"y has the shape \(12,\), the output \(None, 3\).*sparse_cat"),
        (CATEGORICAL, X, LABELS[:, None], "sparse_categorical_crossentropy"),
        ("mse", X, X, r"y has the shape \(12, 4\), the output \(None, 3\).*broadcast"),
        ("mse", X, LABELS.astype("float32"), "broadcast"),
        (
            "mse",
            X,
            with_nan(ONE_HOT),
            r"y of output 'out' contains NaN: 1 value in 1 row.*\(3, 1\)",
        ),
        ("mse", with_nan(X), ONE_HOT, "Input 'pixels' contains NaN"),
        ("mse", X * np.inf, ONE_HOT, "contains NaN|contains infinity"),
        ("mse", X[:0], ONE_HOT[:0], "The data is empty"),
        ("mse", X[:5], ONE_HOT, "different numbers of rows.*x: 5, y: 12"),
        ("mse", X[:, :3], ONE_HOT, r"input 'pixels' expects the shape \(None, 4\); received"),
        ("mse", {"pixel": X}, ONE_HOT, "input 'pixels' is missing.*Did you mean 'pixels'"),
        ("mse", [X, X], ONE_HOT, "expected one input.*received a list of 2"),
        ("mse", X, None, "has a loss but no target"),
        ("mse", None, ONE_HOT, "x is None"),
        ("mse", X, {"output": ONE_HOT}, "y: the model has no output 'output'"),
        ("mse", [[1.0, 2.0], [3.0]], ONE_HOT, "x is ragged"),
        ("mse", X, 3.0, "is a scalar|different numbers"),
    ],
)
def test_fit_rejects_wrong_data(loss, x, y, message):
    made = model(loss)
    before = made.get_weights()
    with pytest.raises(ValueError, match="(?s)" + message):
        made.fit(x, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, made.get_weights(), strict=True))


@pytest.mark.parametrize("x", [np.array([["a"] * 4] * 12), np.array([[None] * 4] * 12)])
def test_strings_and_objects_are_rejected(x):
    with pytest.raises(TypeError, match="x contains (strings|objects)"):
        model("mse").fit(x, ONE_HOT, verbose=0)


def test_labels_of_a_binary_loss():
    made = model("binary_crossentropy", units=1, activation="sigmoid")
    with pytest.raises(ValueError, match="(?s)ranges from -1.0 to 1.0.*'hinge'"):
        made.fit(X, np.where(LABELS > 0, 1.0, -1.0), verbose=0)
    made.fit(X, (LABELS > 0)[:, None], verbose=0)


def test_ids_outside_the_vocabulary():
    ids = Input((5,), dtype="int32", name="ids")
    h = layers.Flatten()(layers.Embedding(10, 2, name="words")(ids))
    made = Model(ids, Dense(1)(h))
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match="(?s)Input 'ids', which feeds layer 'words'.*99"):
        made.fit(np.full((4, 5), 99), np.ones((4, 1)), verbose=0)
    with pytest.raises(ValueError, match="words"):
        made.predict(np.full((4, 5), 10))
    made.fit(np.full((4, 5), 9), np.ones((4, 1)), verbose=0)


def test_the_loss_of_a_subclass_is_checked_too():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(3)

        def call(self, x):
            return self.dense(x)

    net = Net()
    net.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"output 'output_1'.*y has the shape \(12,\)"):
        net.fit(X, LABELS.astype("float32"), verbose=0)


def test_first_batches_of_iterables_are_checked():
    made = model(SPARSE)
    with pytest.raises(ValueError, match="the output has 3 classes"):
        made.fit(iter([(X, LABELS + 7)]), verbose=0)


def test_validation_data_is_checked():
    with pytest.raises(ValueError, match="the output has 3 classes"):
        model(SPARSE).fit(X, LABELS, validation_data=(X, LABELS + 7), verbose=0)


def test_right_data_passes():
    model(SPARSE).fit(X, LABELS[:, None], verbose=0)
    model(SPARSE).fit({"pixels": X}, {"out": LABELS}, verbose=0)
    model(CATEGORICAL).fit(X.astype("float64"), ONE_HOT.astype(int), verbose=0)
    model("mse", units=1, activation=None).fit(X.tolist(), LABELS.tolist(), verbose=0)
    model(cornu.losses.MeanSquaredError(), units=1, activation=None).fit(X, LABELS, verbose=0)


def image_model(loss, *layers_):
    made = cornu.Sequential([Input((3, 3, 2)), *layers_])
    made.compile("sgd", loss)
    return made


IMAGES = np.random.default_rng(0).random((12, 3, 3, 2), "float32")
SEGMENTS = np.random.default_rng(1).integers(0, 3, (12, 3, 3))


def run_everywhere(made, x, y):
    """Returns the losses of all methods that check data; they must accept it."""
    loss = made.fit(x, y, verbose=0, validation_data=(x, y)).history["loss"]
    return [*loss, made.evaluate(x, y, verbose=0)]


@pytest.mark.parametrize("ignored", slow_except([255, -1, -100, 0], 1))
def test_ignored_classes_are_valid_labels(ignored):
    labels, segments = LABELS.copy(), SEGMENTS.copy()
    labels[::2], segments[:, 0] = ignored, ignored
    loss = cornu.losses.SparseCategoricalCrossentropy(ignore_class=ignored)
    made = model(loss)
    assert np.isfinite(run_everywhere(made, X, labels)).all()
    for y in (labels[:, None], labels.astype("float32"), np.full(12, ignored)):
        assert np.isfinite(made.test_on_batch(X, y))
    made = image_model(loss, layers.Conv2D(3, 1, activation="softmax"))
    metric = cornu.metrics.MeanIoU(3, ignore_class=ignored, sparse_y_pred=False)
    made.compile("sgd", loss, metrics=[metric])
    assert np.isfinite(made.evaluate(IMAGES, segments, verbose=0)).all()
    with pytest.raises(ValueError, match="(?s)labels range from .*ignore_class"):
        made.evaluate(IMAGES, np.where(segments == ignored, ignored, 7), verbose=0)


def test_the_axis_of_classes_is_known(recwarn):
    softmax = (layers.Conv2D(3, 1), layers.Permute((3, 1, 2)), layers.Softmax(axis=1))
    made = image_model(cornu.losses.CategoricalCrossentropy(axis=1), *softmax)
    assert np.isfinite(run_everywhere(made, IMAGES, np.moveaxis(np.eye(3)[SEGMENTS], -1, 1))).all()
    assert not recwarn.list


def sequences(loss):
    made = cornu.Sequential([Input((4, 1)), layers.LSTM(3, return_sequences=True), Dense(6)])
    made.compile("sgd", loss)
    return made


@pytest.mark.parametrize(
    ("make", "loss", "x", "y"),
    [
        (model, cornu.losses.Circle(), X, LABELS),
        (model, cornu.losses.CategoricalGeneralizedCrossEntropy(), X, LABELS),
        pytest.param(
            *(sequences, cornu.losses.CTC(), X[..., None], np.full((12, 2), 3)),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_losses_whose_targets_have_another_shape(make, loss, x, y):
    assert np.isfinite(run_everywhere(make(loss), x, y)).all()


def contrastive(y_true, y_pred):
    return cornu.ops.sum(y_pred**2, -1) * cornu.ops.cast(cornu.ops.reshape(y_true, -1), "float32")


def spectral(y_true, y_pred):
    return cornu.ops.mean(abs(cornu.ops.mean(y_true, -1) - cornu.ops.mean(y_pred, -1)))


def masked_error(y_true, y_pred):
    known = ~cornu.ops.isnan(y_true)
    return cornu.ops.where(known, (cornu.ops.where(known, y_true, 0.0) - y_pred) ** 2, 0.0)


class Detection(cornu.losses.Loss):
    def call(self, y_true, y_pred):
        boxes, classes = y_true[..., :4], y_true[..., 4]
        return cornu.ops.mean(boxes, (1, 2)) - cornu.ops.mean(classes, 1) * y_pred[:, 0]


class OwnMeanSquaredError(cornu.losses.MeanSquaredError):
    def call(self, y_true, y_pred):
        return cornu.ops.mean((y_true[:, 0, :3] - y_pred) ** 2, -1)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (contrastive, LABELS),
        (contrastive, LABELS[:, None].astype("int8")),
        (spectral, np.ones((12, 7))),
        (masked_error, with_nan(ONE_HOT)),
        (Detection(), np.ones((12, 6, 5))),
        (OwnMeanSquaredError(), np.ones((12, 2, 9))),
        (lambda y_true, y_pred: cornu.ops.mean(y_pred, -1), np.zeros((12, 2, 2, 2))),
    ],
)
def test_custom_losses_decide_which_targets_they_take(loss, y):
    assert np.isfinite(run_everywhere(model(loss, activation="sigmoid"), X, y)).all()


def test_custom_losses_next_to_built_in_ones():
    two = Model(x := Input((4,)), {"a": Dense(3)(x), "b": Dense(4)(x)})
    two.compile("sgd", {"a": contrastive, "b": "mse"})
    assert np.isfinite(two.test_on_batch(X, {"a": LABELS, "b": X})).all()
    with pytest.raises(ValueError, match="Target of output 'b' .* y has the shape"):
        two.fit(X, {"a": LABELS, "b": LABELS}, verbose=0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "bfloat16"])
def test_values_that_are_not_finite_are_found_wherever_they_are(dtype):
    dtype = jnp.dtype(dtype)
    for size in (1, 40, 40_000):
        right = np.full((2, size), jnp.finfo(dtype).max, dtype)  # whose sum overflows
        for layout in (np.asarray, np.asfortranarray, lambda x: np.repeat(x, 2, 0)[::2]):
            check_values("x", layout(right))
            for value in (np.nan, np.inf, -np.inf):
                for position in (0, size // 2, size - 1):
                    wrong = right.copy()
                    wrong[1, position] = value
                    with pytest.raises(ValueError, match=rf"x contains .*\(1, {position}\)"):
                        check_values("x", layout(wrong))


@pytest.mark.parametrize("dtype", [*"bhilBHIL", "float32", ">i4"])
def test_labels_of_every_dtype_are_in_the_range_of_classes(dtype):
    loss = cornu.losses.SparseCategoricalCrossentropy()
    check = target_check("y", loss, cornu.Input((3,)))
    labels = np.array([0, 2, 1, 2]).astype(dtype)
    for layout in (np.asarray, lambda x: np.repeat(x, 2)[::2]):
        check(layout(labels))
        for wrong in (3, 100, *([] if labels.dtype.kind == "u" else [-1, -100])):
            with pytest.raises(ValueError, match=rf"labels range from .*{wrong}"):
                check(layout(np.append(labels, np.array(wrong).astype(dtype))))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("source", ["arrays", "stream"])
def test_negative_labels_of_small_types_are_refused(dtype, source):
    classes = 200  # more than int8 has
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(classes, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, right = np.ones((4, 2), "float32"), np.array([0, 1, 2, 3], dtype)
    wrong = np.array([0, 1, -1, 3], dtype)
    model.evaluate(x, right, verbose=0)
    with pytest.raises(ValueError, match="labels range from -1 to 3"):
        if source == "arrays":
            model.evaluate(x, wrong, verbose=0)
        else:
            model.evaluate(iter([(x, right), (x, right), (x, wrong)]), verbose=0)
