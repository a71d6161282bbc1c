"""Wrong data is refused before the first step."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense

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
    ("loss", "x", "y", "words"),
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
def test_what_fit_refuses(loss, x, y, words):
    made = model(loss)
    before = made.get_weights()
    with pytest.raises(ValueError, match="(?s)" + words):
        made.fit(x, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, made.get_weights(), strict=True))


@pytest.mark.parametrize("x", [np.array([["a"] * 4] * 12), np.array([[None] * 4] * 12)])
def test_strings_and_objects_are_refused(x):
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
