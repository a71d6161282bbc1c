"""fit, evaluate and predict against Keras, and what fit accepts."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype("float32")
LABELS = RNG.integers(0, 3, size=50)
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


def classifier(k):
    x = k.Input((6,))
    h = k.layers.Dense(8, activation="relu")(x)
    h = k.layers.BatchNormalization(momentum=0.9)(h)
    h = k.layers.Add()([h, k.layers.Dense(8, kernel_regularizer="l2")(h)])
    return k.Model(x, k.layers.Dense(3, activation="softmax")(h))


@pytest.fixture(scope="module")
def pair():
    import keras

    theirs, ours = classifier(keras), classifier(cornu)
    start = theirs.get_weights()

    def fresh(**compiled):
        for model in (theirs, ours):
            model.set_weights(start)
            model.compile(**compiled)
        return theirs, ours

    return fresh


def close(a, b, rtol=2e-5):
    assert sorted(a) == sorted(b)
    for name in a:
        assert np.allclose(a[name], b[name], rtol=rtol, atol=1e-6), (name, a[name], b[name])


COMMON = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        pytest.param({"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}}, marks=pytest.mark.slow),
        {"sample_weight": RNG.random(50).astype("float32"), "validation_split": 0.2},
        pytest.param({"validation_data": (X[:20], LABELS[:20])}, marks=pytest.mark.slow),
    ],
    ids=["plain", "class_weight", "sample_weight", "validation_data"],
)
def test_histories_equal_those_of_keras(pair, kwargs):
    theirs, ours = pair(**COMMON)
    common = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0, **kwargs}
    a = theirs.fit(X, LABELS, **common).history
    b = ours.fit(X, LABELS, **common).history
    close(a, b)
    for p, q in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        assert np.allclose(p, q, rtol=1e-4, atol=1e-6)
    assert np.allclose(
        theirs.evaluate(X, LABELS, verbose=0), ours.evaluate(X, LABELS, verbose=0), rtol=2e-5
    )
    assert np.allclose(theirs.predict(X, verbose=0), ours.predict(X), rtol=1e-5, atol=1e-6)


def test_single_batches_equal_those_of_keras(pair):
    theirs, ours = pair(
        optimizer="sgd",
        loss="categorical_crossentropy",
        metrics=["acc", "mae"],
        weighted_metrics=["mse"],
    )
    weight = RNG.random(10).astype("float32")
    for _ in range(2):
        a = theirs.train_on_batch(X[:10], ONE_HOT[:10], sample_weight=weight, return_dict=True)
        b = ours.train_on_batch(X[:10], ONE_HOT[:10], sample_weight=weight, return_dict=True)
        close({k: float(v) for k, v in a.items()}, b)
    a = theirs.test_on_batch(X[:10], ONE_HOT[:10], return_dict=True)
    close(
        {k: float(v) for k, v in a.items()},
        ours.test_on_batch(X[:10], ONE_HOT[:10], return_dict=True),
    )
    assert np.allclose(theirs.predict_on_batch(X[:4]), ours.predict_on_batch(X[:4]), atol=1e-6)


def two_headed(k):
    x = k.Input((6,), name="x")
    h = k.layers.Dense(8, activation="tanh")(x)
    outputs = [k.layers.Dense(3, activation="softmax", name="a")(h), k.layers.Dense(1, name="b")(h)]
    return k.Model(x, outputs)


def test_several_outputs_equal_those_of_keras():
    import keras

    theirs, ours = two_headed(keras), two_headed(cornu)
    ours.set_weights(theirs.get_weights())
    for model in (theirs, ours):
        model.compile(
            "sgd",
            loss={"a": "sparse_categorical_crossentropy", "b": "mse"},
            loss_weights={"a": 1.0, "b": 0.3},
            metrics={"a": ["accuracy"], "b": ["mae"]},
        )
    kwargs = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0}
    y = {"a": LABELS, "b": X[:, :1]}
    a, b = theirs.fit(X, y, **kwargs).history, ours.fit(X, y, **kwargs).history
    close(a, b)


def test_targets_bind_by_output_name_or_position():
    model = two_headed(cornu)
    model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    by_name = model.evaluate({"x": X}, {"b": X[:, :1], "a": LABELS}, verbose=0)
    by_position = model.evaluate(X, [LABELS, X[:, 0]], verbose=0)
    assert np.allclose(by_name, by_position)
    weighted = model.evaluate(
        X,
        [LABELS, X[:, :1]],
        sample_weight={"a": np.zeros(50), "b": np.ones(50)},
        verbose=0,
        return_dict=True,
    )
    assert weighted["a_loss"] == 0.0 and weighted["loss"] == weighted["b_loss"]


def test_class_weight_by_output_name():
    model = two_headed(cornu)
    model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    y = [LABELS, X[:, :1]]
    logs = model.train_on_batch(
        X, y, class_weight={"a": {0: 0.0, 1: 0.0, 2: 0.0}}, return_dict=True
    )
    assert logs["a_loss"] == 0.0 and logs["b_loss"] > 0
    with pytest.raises(ValueError, match="Pass a dict by output name"):
        model.fit(X, y, class_weight={0: 1.0}, verbose=0)
    with pytest.raises(ValueError, match="has no output 'c'"):
        model.fit(X, y, class_weight={"c": {0: 1.0}}, verbose=0)


def test_an_output_without_a_loss():
    model = two_headed(cornu)
    model.compile("sgd", {"a": "sparse_categorical_crossentropy"})
    assert list(model.fit(X, {"a": LABELS}, verbose=0).history) == ["loss"]
    model.compile("sgd", ["sparse_categorical_crossentropy", None])
    assert model.evaluate(X, {"a": LABELS}, verbose=0, return_dict=True)["loss"] > 0


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"loss": {"c": "mse"}}, "loss: the model has no output 'c'"),
        ({"loss": ["mse"]}, "the model has 2 outputs .*received a list of 1"),
        ({"loss": "msee"}, "Unknown loss 'msee'. Did you mean 'mse'"),
        ({"optimizer": "adamm"}, "(?i)unknown optimizer 'adamm'"),
        ({"metrics": {"c": "mse"}}, "metrics: the model has no output 'c'"),
    ],
)
def test_compile_rejects_early(kwargs, message):
    with pytest.raises(ValueError, match=message):
        two_headed(cornu).compile(**kwargs)


def test_uncompiled_models_raise():
    with pytest.raises(RuntimeError, match="must be compiled before fit"):
        two_headed(cornu).fit(X, [LABELS, LABELS])
    model = two_headed(cornu)
    model.compile("sgd")
    with pytest.raises(ValueError, match="no loss to minimize"):
        model.fit(X, [LABELS, LABELS], verbose=0)


def tiny(rate=0.5):
    x = Input((6,))
    h = layers.Dropout(rate)(Dense(8, activation="relu")(x))
    model = Model(x, Dense(3, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_iterables_of_batches():
    def batches():
        for i in range(0, 48, 16):
            yield X[i : i + 16], LABELS[i : i + 16]

    def endless():
        while True:
            yield from batches()

    model = tiny()
    assert len(model.fit(endless(), epochs=2, steps_per_epoch=3, verbose=0).history["loss"]) == 2
    model.evaluate(endless(), steps=3, verbose=0)
    assert model.predict(endless(), steps=2).shape == (32, 3)

    class Source(cornu.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[index * 16 : index * 16 + 16], LABELS[index * 16 : index * 16 + 16]

    model.fit(Source(), epochs=2, verbose=0, validation_data=Source())
    with pytest.raises(ValueError, match="ended after 3 batches"):
        model.fit(batches(), steps_per_epoch=5, epochs=2, verbose=0)
    with pytest.raises(ValueError, match="y and sample_weight must be part of the"):
        model.fit(endless(), LABELS, verbose=0)


def test_eager_steps_give_the_same():
    cornu.utils.set_random_seed(0)
    a = tiny(rate=0.0)
    b = tiny(rate=0.0)
    b.set_weights(a.get_weights())
    b.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    kwargs = {"epochs": 1, "batch_size": 25, "shuffle": False, "verbose": 0}
    close(a.fit(X, LABELS, **kwargs).history, b.fit(X, LABELS, **kwargs).history)


def test_a_custom_train_step_needs_no_state():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(3)
            self.seen = cornu.metrics.Mean(name="seen")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data

            def loss_of():
                return self.compute_loss(x, y, self(x, training=True))

            loss, grads = cornu.value_and_grad(loss_of, self.trainable_variables)()
            self.optimizer.apply(grads, self.trainable_variables)
            self.seen.update_state(loss)
            return {"loss": loss, "seen": self.seen.result()}

    model = Own()
    model.compile("adam", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(X, LABELS, epochs=3, batch_size=16, verbose=0).history
    assert sorted(history) == ["loss", "seen"] and history["seen"][2] < history["seen"][0]


def test_a_custom_compute_loss():
    class Own(Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 10.0 * super().compute_loss(x, y, y_pred, sample_weight, training)

    x = Input((6,))
    own = Own(x, Dense(3, activation="softmax")(x))
    own.compile("sgd", "sparse_categorical_crossentropy")
    plain = Model(own.inputs, own.outputs)
    plain.compile("sgd", "sparse_categorical_crossentropy")
    assert own.evaluate(X, LABELS, verbose=0) == pytest.approx(
        10 * plain.evaluate(X, LABELS, verbose=0), rel=1e-5
    )


def test_the_learning_rate_and_weights_may_change_between_steps():
    rates = []

    class Change(cornu.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0
            self.model.layers[-1].set_weights([np.zeros((8, 3)), np.zeros(3)])
            rates.append(float(self.model.optimizer.learning_rate))

    model = tiny()
    model.fit(X, LABELS, epochs=2, verbose=0, callbacks=[Change()])
    assert rates == [0.0, 0.0] and not model.get_weights()[-1].any()


def test_training_is_repeatable():
    def run():
        cornu.utils.set_random_seed(7)
        model = tiny()
        history = model.fit(X, LABELS, epochs=2, batch_size=16, verbose=0).history
        return history, model.get_weights()

    (first, a), (second, b) = run(), run()
    assert first == second
    assert all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


def test_mixed_precision_trains():
    x = Input((6,))
    h = Dense(8, activation="relu", dtype="mixed_bfloat16")(x)
    model = Model(x, Dense(3, activation="softmax", dtype="float32")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    losses = model.fit(X, LABELS, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and model.weights[0].dtype == "float32"


def test_an_optax_transformation_is_an_optimizer():
    optax = pytest.importorskip("optax")
    model = tiny(rate=0.0)
    model.compile(optax.adam(1e-2), "sparse_categorical_crossentropy")
    losses = model.fit(X, LABELS, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_moving_averages_reach_the_model():
    model = tiny()
    optimizer = cornu.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(X, LABELS, epochs=1, verbose=0)
    averages = [v for v in optimizer.variables if "average" in v.path]
    assert averages and np.allclose(averages[0].numpy(), model.get_weights()[0])


def test_a_fit_within_a_fit_does_not_change_the_order_of_rows():
    class Nested(cornu.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                before = self.model.snapshot()
                self.model.fit(x, y, epochs=2, verbose=0)
                before.restore()

    x = np.arange(24, dtype="float32").reshape(24, 1) / 24
    y = x[::-1].copy()
    histories = []
    for callbacks in ([], [Nested()]):
        cornu.utils.set_random_seed(3)
        model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=5, epochs=3, verbose=0, callbacks=callbacks)
        histories.append(model.get_weights())
    for a, b in zip(*histories, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_error_in_validation_data_is_labeled():
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    for wrong in ((np.ones((4, 3)), y), (x,), (x, np.ones((4, 2)))):
        with pytest.raises(ValueError) as caught:
            model.fit(x, y, validation_data=wrong, verbose=0)
        assert any("validation_data" in note for note in caught.value.__notes__)


def small():
    model = cornu.Sequential([Input((6,)), Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_batch_size_is_ignored_where_the_data_comes_in_batches():
    class Batches:
        def __iter__(self):
            return iter([(X[:20], LABELS[:20]), (X[20:], LABELS[20:])])

    model, message = small(), "batch_size=7 is ignored: the data is an iterable of batches"
    with pytest.warns(UserWarning, match=message) as found:
        model.fit(Batches(), batch_size=7, verbose=0)
    assert len(found) == 1 and found[0].filename == __file__
    with pytest.warns(UserWarning, match=message):
        model.evaluate(Batches(), batch_size=7, verbose=0)
    with pytest.warns(UserWarning, match=message):
        assert model.predict(Batches(), batch_size=7).shape == (50, 3)
    with pytest.warns(UserWarning, match=message):
        kwargs = {"validation_data": Batches(), "validation_batch_size": 7, "verbose": 0}
        model.fit(X, LABELS, **kwargs)
    model.fit(X, LABELS, batch_size=7, validation_data=Batches(), verbose=0)


def test_class_weight_without_classes():
    first, second = small(), small()
    second.set_weights(first.get_weights())
    for model, kwargs in ((first, {}), (second, {"class_weight": {}})):
        model.fit(X, LABELS, shuffle=False, verbose=0, **kwargs)
        model.train_on_batch(X, LABELS, **kwargs)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("wrong", [(X[:, :3], LABELS), (X, LABELS + 1), (X, LABELS[:9]), (X,)])
def test_wrong_validation_data_is_rejected_before_the_first_step(wrong):
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match="The data is that of validation_data"):
        model.fit(X, LABELS, validation_data=wrong, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_optional_inputs_are_given_and_missing_in_turn():
    class Add(layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    a, b = Input((2,), name="a"), Input((2,), name="b", optional=True)
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    for inputs, with_b, without in (
        ({"a": a, "b": b}, {"a": x, "b": x}, {"a": x, "b": None}),
        ([a, b], [x, x], [x, None]),
    ):
        model = Model(inputs, Dense(1)(Add()(a, b)))
        model.compile("sgd", "mse")
        batches = [(without, y), (with_b, y), (without, y)]
        model.fit(iter(batches), verbose=0)
        assert np.isfinite(model.evaluate(iter(batches), verbose=0))
        found = model.predict(iter(batches))
        assert np.allclose(found[:4], model.predict(without)) and found.shape == (12, 1)
        assert np.allclose(found[4:8], model.predict_on_batch(with_b))
        with pytest.raises(ValueError, match="input 'a' is None"):
            missing = {"a": None, "b": x} if isinstance(inputs, dict) else [None, x]
            model.fit(iter([(with_b, y), (missing, y)]), verbose=0)


def test_lists_of_numbers_of_numpy_are_arrays():
    model = small()
    given = [np.int64(label) for label in LABELS]
    rows = [[np.float32(value) for value in row] for row in X]
    assert np.isclose(
        model.evaluate(rows, given, verbose=0), model.evaluate(X, LABELS, verbose=0), rtol=1e-5
    )
