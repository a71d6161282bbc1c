"""NaN is traced to the layer and the phase in which it first occurs."""

import pathlib

import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, debug, layers, ops
from cornu.layers import BatchNormalization, Dense
from cornu.optimizers import SGD
from cornu.training.step.program import counters

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X[:, :1]
HERE = "tests/inspect/nan/test_find_nan.py"


def compiled(model, optimizer="sgd", loss="mse"):
    model.compile(optimizer, loss)
    return model


def line_of(function, offset):
    return f"{HERE}:{function.__code__.co_firstlineno + offset}"


def log_features(x):
    x = Dense(4, activation="relu", name="features")(x)
    return ops.log(x)


def log_model():
    x = Input((3,))
    return Model(x, Dense(1, name="head")(log_features(x)))


def length(x):
    return ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))


def length_model():
    x = Input((3,))
    return Model(x, length(Dense(4, use_bias=False, name="project")(x)))


def zero_row():
    x = X.copy()
    x[2] = 0.0
    return x


# ----------------------------------------------------------------------------------------- find_nan


def test_a_finite_batch_has_no_report():
    assert debug.find_nan(compiled(length_model()), (X, Y)) is None
    assert debug.find_nan(length_model(), X) is None


def test_the_forward_pass():
    report = debug.find_nan(compiled(log_model()), (X, Y))
    assert (report.phase, report.path) == ("forward", "log_features/log")
    assert report.place == line_of(log_features, 2)
    assert "infinite of 64 values. Its input is finite: float32 (16, 4)" in report.text
    assert report.step is None and report.file is None and report.batch[0] is not None


def test_a_model_that_is_not_compiled():
    assert debug.find_nan(log_model(), X).path == "log_features/log"


def test_the_backward_pass():
    report = debug.find_nan(compiled(length_model()), (zero_row(), Y))
    assert (report.phase, report.path) == ("backward", "length/sqrt")
    assert report.place == line_of(length, 1)
    assert "sqrt" in report.hint


def test_the_gradient_by_a_weight():
    class Power(cornu.Layer):
        def build(self, shape):
            self.exponent = self.add_weight(shape=(), initializer="ones", name="exponent")

        def call(self, x):
            return ops.power(ops.stop_gradient(x), self.exponent)

    x = Input((3,))
    model = compiled(Model(x, Dense(1)(Power(name="power")(x))))
    with np.errstate(all="ignore"):
        report = debug.find_nan(model, (np.zeros((4, 3), "float32") - 1.0, np.ones((4, 1))))
    # (-1) ** 1 is -1, and its derivative by the exponent has the logarithm of -1.
    assert (report.phase, report.path) == ("backward", "power")
    assert "exponent" in report.text


def test_data_and_weights_come_first():
    bad = X.copy()
    bad[5, 1] = np.nan
    report = debug.find_nan(compiled(length_model()), ({"a": X, "b": bad}["b"], Y))
    assert (report.phase, report.path) == ("data", "x") and "in the rows 5" in report.text
    report = debug.find_nan(compiled(length_model()), (X, bad[:, 1:2]))
    assert (report.phase, report.path) == ("data", "y")
    model = compiled(length_model())
    model.layers[1].kernel.assign(np.full((3, 4), np.inf))
    report = debug.find_nan(model, (X, Y))
    assert (report.phase, report.path) == ("weights", "project/kernel")


def test_the_loss():
    x = Input((3,))
    model = Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)])
    compiled(model, loss={"a": "mse", "b": lambda y, p: ops.log(-ops.abs(p))})
    report = debug.find_nan(model, (X, {"a": Y, "b": Y}))
    assert report.phase == "loss" and "of output 'b'" in report.path


def test_a_loss_that_a_layer_adds():
    class Adds(cornu.Layer):
        def call(self, x):
            self.add_loss(ops.log(ops.sum(x) * 0.0 - 1.0))
            return x

    report = debug.find_nan(compiled(Sequential([Input((3,)), Adds(), Dense(1)])), (X, Y))
    assert (report.phase, report.path) == ("loss", "model.losses[0]")


def test_the_gradient_of_the_loss():
    def root(y, p):
        return ops.sqrt(ops.square(p * 0.0))

    report = debug.find_nan(compiled(Sequential([Input((3,)), Dense(1)]), loss=root), (X, Y))
    assert (report.phase, report.path) == ("backward", "the loss")


def test_the_update():
    model = compiled(Sequential([Input((3,)), Dense(1, name="only")]), SGD(1e38))
    report = debug.find_nan(model, (X * 1e3, Y))
    assert (report.phase, report.path) == ("update", "only/kernel") and "SGD" in report.text


def test_statistics_that_a_layer_keeps():
    model = compiled(Sequential([Input((3,)), BatchNormalization(name="norm"), Dense(1)]))
    report = debug.find_nan(model, (X * 1e25, Y))
    assert (report.phase, report.path) == ("update", "norm/moving_variance")
    assert "The update by its layer" in report.text


def test_a_harmless_infinity_is_not_reported():
    x = Input((4,))
    masked = ops.where(ops.greater(x, 0.0), x, -np.inf)
    model = Model(x, ops.log(Dense(1, name="head")(ops.softmax(masked)) * 0.0))
    data = np.array([[1.0, 2.0, -1.0, 3.0]], "float32")
    assert debug.find_nan(model, data).path == "log"


def test_a_nested_model_is_searched():
    x = Input((3,))
    inner = Model(x, log_features(x), name="encoder")
    y = Input((3,))
    model = compiled(Model(y, Dense(1)(inner(y))))
    report = debug.find_nan(model, (X, Y))
    assert report.path == "encoder/log_features/log"


def test_layers_inside_a_layer_are_named():
    class Bad(cornu.Layer):
        def call(self, x):
            return ops.log(x - x)

    class Outer(cornu.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first, self.second = Dense(3, name="first"), Bad(name="bad")

        def call(self, x):
            return self.second(self.first(x))

    model = compiled(Sequential([Input((3,)), Outer(name="outer"), Dense(1)]))
    report = debug.find_nan(model, (X, Y))
    assert report.path == "outer/bad" and report.place == line_of(Bad.call, 0)


def test_a_subclassed_model():
    class Net(Model):
        def __init__(self):
            super().__init__(name="net")
            self.a, self.b = Dense(4, name="a"), Dense(1, name="b")

        def call(self, x):
            return self.b(ops.log(self.a(x)))

    report = debug.find_nan(compiled(Net()), (X, Y))
    assert report.phase == "forward" and report.path == "code in the call of net"
    assert report.place.endswith(line_of(Net.call, 0)) and "The input of b contains" in report.text


def test_float16_overflow_is_located():
    x = Input((3,))
    wide = Dense(1, dtype="float16", name="wide", kernel_initializer="ones")(x)
    report = debug.find_nan(Model(x, wide), X * 0 + 60000.0)
    assert report.path == "wide" and "largest float16 is 65504" in report.hint


def test_gradients_beyond_float16_are_reported():
    x = Input((3,))
    h = Dense(4, dtype="float16", name="half")(x)
    h = layers.Lambda(lambda v: v * 60000.0, name="times", dtype="float16")(h)
    model = compiled(Model(x, Dense(1, dtype="float32")(h)), loss=lambda y, p: ops.mean(p) * 500)
    report = debug.find_nan(model, (X * 1e-4, Y))
    assert (report.phase, report.path) == ("backward", "times")
    assert "largest float16 is 65504" in report.hint


def test_large_weights_are_reported():
    model = Sequential([Input((3,)), Dense(2, name="grown"), Dense(1)])
    model.layers[0].kernel.assign(np.full((3, 2), 3e38))
    report = debug.find_nan(model, X * 0 + 100.0)
    assert report.path == "grown" and "weights reach 3e+38" in report.hint


def test_nothing_of_the_model_changes():
    x = Input((3,))
    model = compiled(Model(x, length(BatchNormalization()(Dense(4)(x)))), "adam")
    model.fit(X, Y, verbose=0)
    before = [np.asarray(v) for v in model.trainer.touched_variables()]
    graph = model._graph_.graph
    debug.find_nan(model, (X, Y))
    assert all(
        np.array_equal(a, b) for a, b in zip(before, model.trainer.touched_variables(), strict=True)
    )
    assert model._graph_.graph is graph
    assert not [layer for layer in model.layers if "call" in vars(layer)]


@pytest.mark.slow
def test_recurrent_and_attention_layers_can_be_watched():
    x = Input((5, 4))
    h = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    h = layers.MultiHeadAttention(2, 2)(h, h)
    model = compiled(Model(x, Dense(1)(layers.Flatten()(layers.Dropout(0.1)(h)))), "adam")
    data = np.random.default_rng(1).normal(size=(4, 5, 4)).astype("float32")
    assert debug.find_nan(model, (data, data[:, 0, :1])) is None


# ------------------------------------------------------------------------------ fit(debug_nans=...)


def test_fit_stops_at_the_step_and_keeps_the_batch(tmp_path):
    model = compiled(length_model())
    data = zero_row()
    with pytest.raises(FloatingPointError, match="backward pass: length/sqrt") as caught:
        model.fit(data, Y, batch_size=2, shuffle=False, verbose=0, debug_nans=tmp_path)
    report = model.nan_report
    assert (report.epoch, report.step) == (1, 2)
    assert "at step 2 of epoch 1" in str(caught.value)
    assert report.file == pathlib.Path(tmp_path) / "nan-epoch-1-step-2.npz"
    assert str(report.file) in str(caught.value)
    x, y, weight = debug.load_batch(report.file)
    assert np.array_equal(x, data[2:4]) and np.array_equal(y, Y[2:4]) and weight is None
    again = debug.find_nan(model, (x, y))
    assert (again.phase, again.path) == (report.phase, report.path)


def test_the_weights_are_those_before_the_step():
    model = compiled(length_model(), "adam")
    with pytest.raises(FloatingPointError):
        model.fit(zero_row()[:4], Y[:4], batch_size=2, shuffle=False, verbose=0, debug_nans=True)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    other = compiled(length_model(), "adam")
    assert int(model.optimizer.iterations) == 1 and int(other.optimizer.iterations) == 0


def test_a_bad_batch_of_a_generator(tmp_path):
    def batches():
        for number in range(6):
            x = X.copy()
            if number == 4:
                x[3, 0] = np.inf
            yield {"x": x}, Y

    x = Input((3,), name="x")
    model = compiled(Model(x, Dense(1)(x)))
    # The check of data comes before the step, and with it before the search for the layer.
    with pytest.raises(ValueError, match=r"'x' contains infinity(.|\n)*This was batch 4"):
        model.fit(batches(), verbose=0, debug_nans=str(tmp_path))


def test_a_model_that_explodes():
    model = compiled(Sequential([Input((3,)), Dense(4), Dense(1)]), SGD(900.0))
    with pytest.raises(FloatingPointError, match="Training diverges: lower the learning rate"):
        model.fit(X, Y, epochs=50, verbose=0, debug_nans=True)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_the_epoch_is_counted_from_the_first():
    model = compiled(length_model())
    with pytest.raises(FloatingPointError, match="at step 1 of epoch 4"):
        model.fit(zero_row(), Y, initial_epoch=3, epochs=5, verbose=0, debug_nans=True)


def test_a_finite_run_is_the_same_as_without():
    def trained(**kwargs):
        cornu.utils.set_random_seed(3)
        x = Input((3,))
        model = Model(x, Dense(1)(layers.Dropout(0.3)(BatchNormalization()(Dense(4)(x)))))
        history = compiled(model, "adam").fit(X, Y, epochs=3, batch_size=8, verbose=0, **kwargs)
        return history.history["loss"], model.get_weights()

    plain, guarded = trained(), trained(debug_nans=True)
    np.testing.assert_allclose(plain[0], guarded[0], rtol=1e-5)
    for a, b in zip(plain[1], guarded[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_second_run_compiles_nothing():
    model = compiled(length_model())
    model.fit(X, Y, verbose=0, debug_nans=True)
    before = counters["traces"]
    model.fit(X, Y, verbose=0, debug_nans=True)
    assert counters["traces"] == before


def test_an_eager_run_is_guarded_too():
    model = length_model()
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(FloatingPointError, match="length/sqrt"):
        model.fit(zero_row(), Y, verbose=0, debug_nans=True)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_a_custom_train_step_is_guarded_too():
    class Own(Model):
        def train_step(self, data):
            x, y = data
            loss_of = lambda: ops.mean(ops.square(self(x, training=True) - y))  # noqa: E731
            loss, grads = cornu.value_and_grad(loss_of, self.trainable_variables)()
            self.optimizer.apply(grads, self.trainable_variables)
            return {"loss": loss}

    x = Input((3,))
    model = compiled(Own(x, length(Dense(4, use_bias=False)(x))))
    with pytest.raises(FloatingPointError, match="length/sqrt"):
        model.fit(zero_row(), Y, verbose=0, debug_nans=True)


def test_a_scaled_loss_may_overflow_until_its_scale_is_small():
    cornu.config.set_dtype_policy("mixed_float16")
    try:
        x = Input((3,))
        h = length(Dense(4, use_bias=False, name="project")(x))
        model = compiled(Model(x, Dense(1, dtype="float32")(h)))
    finally:
        cornu.config.set_dtype_policy("float32")
    model.fit(zero_row(), Y, epochs=3, verbose=0, debug_nans=True)  # three steps are skipped
    with pytest.raises(FloatingPointError, match="backward pass: length/sqrt"):
        model.fit(zero_row(), Y, epochs=30, verbose=0, debug_nans=True)
    assert "sqrt" in model.nan_report.hint


def test_debug_nans_is_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        compiled(length_model()).fit(X, Y, 8, 1, 0, None, 0.0, None, True, *[None] * 7, True)
