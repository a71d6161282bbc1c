"""Every option of the optimizer in whole fits, and several at once, against Keras."""

import keras
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.training.step.program import counters
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, 6)).astype("float32")  # 4 batches of 8 rows, and one of 5
Y = RNG.integers(0, 3, size=37)
WEIGHT = np.linspace(0, 2, 37).astype("float32")
FIT_OPTIONS = {"batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False}


def net(k, dtype="float32"):
    x = k.Input((6,))
    h = k.layers.Dense(8, activation="tanh", name="first", dtype=dtype)(x)
    h = k.layers.BatchNormalization(momentum=0.9, name="norm", dtype=dtype)(h)
    h = k.layers.Dense(8, activation="tanh", kernel_regularizer="l2", dtype=dtype)(h)
    return k.Model(x, k.layers.Dense(3, activation="softmax", name="head", dtype="float32")(h))


def halving(k):
    return k.optimizers.schedules.ExponentialDecay(0.05, 4, 0.5)


def adam(k, **kwargs):
    return k.optimizers.Adam(kwargs.pop("rate", 0.01), **kwargs)


def excluding(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma"])
    return optimizer


def several(k):
    table = {"first/.*": adam(k, use_ema=True), "head/kernel": k.optimizers.RMSprop(0.01)}
    return k.optimizers.MultiOptimizer(k.optimizers.OptimizerMap(k.optimizers.SGD(0.1), table))


COMBINED = {
    "accumulation, averages, schedule, clipping": lambda k: adam(
        k,
        rate=halving(k),
        gradient_accumulation_steps=2,
        use_ema=True,
        ema_momentum=0.9,
        ema_overwrite_frequency=3,
        clipnorm=0.1,
    ),
    "decay with exclusions, global clipping": lambda k: excluding(
        k.optimizers.AdamW(0.01, weight_decay=0.1, global_clipnorm=0.05)
    ),
    "momentum, clipping by value, averages": lambda k: k.optimizers.SGD(
        halving(k), momentum=0.9, nesterov=True, clipvalue=0.01, use_ema=True
    ),
    "several optimizers": several,
    "scaling around accumulation": lambda k: k.optimizers.LossScaleOptimizer(
        adam(k, gradient_accumulation_steps=2), initial_scale=2.0**10, dynamic_growth_steps=2
    ),
}


def numbers(library, optimizer):
    return [np.asarray(v.value, "float32") for v in optimizer.variables]


def check_equal_fits(optimizer, x=X, dtype="float32", **kwargs):
    theirs, ours = net(keras, dtype), net(cornu, dtype)
    ours.set_weights(theirs.get_weights())
    found = []
    for k, model in ((keras, theirs), (cornu, ours)):
        model.compile(optimizer(k), "sparse_categorical_crossentropy", metrics=["accuracy"])
        logs = model.fit(x, Y, sample_weight=WEIGHT, **{**FIT_OPTIONS, **kwargs}).history
        found.append((logs, model.get_weights(), numbers(k, model.optimizer)))
    (logs_a, weights_a, slots_a), (logs_b, weights_b, slots_b) = found
    for name in logs_a:
        np.testing.assert_allclose(logs_a[name], logs_b[name], 2e-5, err_msg=name)
    for a, b in zip([*weights_a, *slots_a], [*weights_b, *slots_b], strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 2e-6)


@pytest.mark.parametrize("name", slow_except(COMBINED, 2))
def test_options_together_are_those_of_keras(name):
    check_equal_fits(COMBINED[name])


@pytest.mark.parametrize("dtype", slow_except(["mixed_float16", "mixed_bfloat16"], 1))
def test_mixed_precision_is_that_of_keras(dtype):
    optimizer = COMBINED[
        "scaling around accumulation" if "float16" == dtype[6:] else "several optimizers"
    ]
    check_equal_fits(optimizer, dtype=dtype)


def test_a_model_in_float16_scales_its_loss_and_skips_what_overflows():
    found = []
    for k in (keras, cornu):
        k.config.set_dtype_policy("mixed_float16")
        try:
            x = k.Input((6,))
            h = k.layers.Dense(8, activation="relu", kernel_initializer="ones")(x)
            model = k.Model(x, k.layers.Dense(3, activation="softmax", dtype="float32")(h))
        finally:
            k.config.set_dtype_policy("float32")
        start = found[0][2] if found else model.get_weights()
        model.set_weights(start)
        model.compile("sgd", "sparse_categorical_crossentropy")
        assert type(model.optimizer).__name__ == "LossScaleOptimizer"
        logs = model.fit(60 * X[:32], Y[:32], **FIT_OPTIONS).history
        scale = float(np.asarray(model.optimizer.dynamic_scale.value))
        made = int(model.optimizer.iterations)
        found.append((logs["loss"], model.get_weights(), start, scale, made))
    (loss, weights, _, scale, made), ours = found
    assert scale == ours[3] < 2.0**15 and made == ours[4] < 8  # some of the 8 steps were skipped
    assert np.allclose(loss, ours[0], rtol=1e-4)
    for a, b in zip(weights, ours[1], strict=True):
        assert np.isfinite(b).all() and np.allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"clipnorm": 0.1, "weight_decay": 0.1}])
def test_accumulated_gradients_are_those_of_one_large_batch(options):
    ends = []
    for steps, size in ((None, 24), (3, 8)):
        cornu.utils.set_random_seed(1)
        x = Input((6,))
        model = Model(x, layers.Dense(3, activation="softmax")(x))
        optimizer = adam(cornu, gradient_accumulation_steps=steps, **options)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(X[:24], Y[:24], batch_size=size, epochs=4, shuffle=False, verbose=0)
        assert int(optimizer.iterations) == 4
        ends.append(model.get_weights())
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)


def test_averages_are_in_the_model_after_fit_and_training_goes_on_from_the_values():
    model = net(cornu)
    optimizer = cornu.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    seen = []

    class Look(cornu.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights()[0])

    model.fit(X, Y, callbacks=[Look()], **FIT_OPTIONS)
    average = next(v for v in optimizer.variables if "average" in v.path).numpy()
    assert np.array_equal(model.get_weights()[0], average)
    assert not np.allclose(seen[-1], average)  # while training, the weights were their own


@pytest.mark.parametrize(
    "options",
    [
        {"ema_overwrite_frequency": 3},
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"gradient_accumulation_steps": 2}, marks=pytest.mark.slow),
    ],
)
def test_averages_are_those_of_keras_after_fit_and_in_files(options, tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    models = []
    for k in (cornu, keras):
        start = k.initializers.Constant(0.1)
        dense = k.layers.Dense(1, kernel_initializer=start, name="dense")
        model = k.Sequential([k.Input((3,)), dense])
        model.compile(k.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9, **options), "mse")
        y, swap = x.sum(axis=1, keepdims=True), [k.callbacks.SwapEMAWeights()]
        history = model.fit(x, y, 4, 2, 0, swap, validation_data=(x, y), shuffle=False).history
        models.append((model, history["val_loss"], [np.asarray(v) for v in model.variables]))
    (ours, our_losses, our_weights), (theirs, their_losses, their_weights) = models
    np.testing.assert_allclose(our_losses, their_losses, 1e-4)
    for a, b in zip(our_weights, their_weights, strict=True):
        np.testing.assert_allclose(a, b, 1e-4)
    for (model, _, _), load in zip(models, (keras, cornu), strict=True):
        model.save(tmp_path / "model.keras")
        loaded = load.saving.load_model(tmp_path / "model.keras")
        for a, b in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), 1e-6)


@pytest.mark.slow
def test_the_number_of_steps_per_dispatch_changes_nothing():
    ends = []
    start = net(cornu).get_weights()
    for kwargs in (
        *({"steps_per_execution": steps} for steps in (1, 3, 100)),
        {"run_eagerly": True},
        {"jit_compile": False},
    ):
        model = net(cornu)
        model.set_weights(start)
        cornu.utils.set_random_seed(5)
        optimizer = COMBINED["accumulation, averages, schedule, clipping"](cornu)
        model.compile(optimizer, "sparse_categorical_crossentropy", **kwargs)
        logs = model.fit(X, Y, **{**FIT_OPTIONS, "shuffle": True}).history
        ends.append((logs["loss"], model.get_weights()))
    for loss, weights in ends[1:3]:  # compiled: the same bits
        assert loss == ends[0][0]
        assert all(map(np.array_equal, weights, ends[0][1]))
    for loss, weights in ends[3:]:  # eager: the same up to rounding
        assert np.allclose(loss, ends[0][0], rtol=1e-5)
        for a, b in zip(weights, ends[0][1], strict=True):
            np.testing.assert_allclose(a, b, 1e-4, 1e-6)


def test_another_learning_rate_compiles_nothing():
    model = net(cornu)
    model.compile(adam(cornu), "sparse_categorical_crossentropy")
    model.fit(X, Y, **FIT_OPTIONS)
    before, start = counters["traces"], model.get_weights()

    class Slower(cornu.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.0

        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate.assign(0.0)

    model.fit(X, Y, callbacks=[Slower()], **FIT_OPTIONS)
    middle = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, **FIT_OPTIONS)
    moved = [i for i, v in enumerate(model.weights) if v.trainable and v.role == "param"]
    assert any(not np.array_equal(start[i], middle[i]) for i in moved)
    assert all(np.array_equal(middle[i], model.get_weights()[i]) for i in moved)
    assert counters["traces"] == before


def test_schedules_count_steps_over_fits():
    rates = []

    class Rate(cornu.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / (1.0 + step)

    model = net(cornu)
    model.compile(cornu.optimizers.SGD(Rate()), "sparse_categorical_crossentropy")
    for _ in range(2):
        model.fit(X, Y, **{**FIT_OPTIONS, "epochs": 1})
        rates.append(float(model.optimizer.learning_rate))
    assert rates == pytest.approx([0.1 / 6, 0.1 / 11])
    with pytest.raises(TypeError, match="cannot be replaced by a number"):
        model.optimizer.learning_rate = 0.1
