"""`pickle`, `copy`, `cloudpickle`, `joblib` and `dill` of models and their parts."""

import concurrent.futures
import copy
import io
import multiprocessing
import pickle
import re

import cloudpickle
import dill
import jax
import jax.numpy as jnp
import joblib
import numpy as np
import optax
import pytest

import cornu
from cornu import callbacks, initializers, layers, losses, metrics, optimizers, regularizers
from cornu.optimizers import schedules
from tests.processes import run_program
from tests.saving.models import floats

X, Y = floats(12, 3), floats(12, 1, seed=4)


def by_joblib(obj):
    file = io.BytesIO()
    joblib.dump(obj, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    "pickle": lambda obj: pickle.loads(pickle.dumps(obj)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "cloudpickle": lambda obj: cloudpickle.loads(cloudpickle.dumps(obj)),
    "dill": lambda obj: dill.loads(dill.dumps(obj)),
    "joblib": by_joblib,
}


def state(obj):
    """Returns the values of all Variables of an object."""
    found = list(obj.variables)
    if isinstance(obj, cornu.Model):
        found += obj.metrics_variables
        found += obj.optimizer.variables if obj.optimizer is not None else []
    return [variable.numpy() for variable in found]


def check_equal(one, other):
    assert type(one) is type(other) and one is not other
    assert [v.trainable for v in one.variables] == [v.trainable for v in other.variables]
    for a, b in zip(state(one), state(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


# ----------------------------------------------------------------------------------------- models


def squared(y_true, y_pred):
    return cornu.ops.mean(cornu.ops.square(y_true - y_pred), axis=-1)


class Noise(cornu.Layer):
    """Adds noise in training; several layers may share a generator."""

    def __init__(self, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def call(self, inputs, training=False):
        noise = cornu.random.normal(cornu.ops.shape(inputs), seed=self.seed)
        return inputs + noise if training else inputs


class Lazy(cornu.Layer):
    def call(self, inputs):
        if not hasattr(self, "inner"):
            self.inner = layers.Dense(2)
        return self.inner(inputs)


class Stores(cornu.Layer):
    """Stores an array and a file of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen, self.text = np.zeros(2), ""

    def call(self, inputs):
        return inputs

    def save_own_variables(self, store):
        store["seen"] = self.seen

    def load_own_variables(self, store):
        self.seen = np.asarray(store["seen"])

    def save_assets(self, dir_path):
        with open(f"{dir_path}/text.txt", "w") as file:
            file.write(self.text)

    def load_assets(self, dir_path):
        with open(f"{dir_path}/text.txt") as file:
            self.text = file.read()


class Subclassed(cornu.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.stack = [layers.Dense(units), layers.BatchNormalization()]
        self.named = {"drop": layers.Dropout(0.3), "last": layers.Dense(1)}
        self.seen = metrics.Mean(name="seen")

    def call(self, inputs, training=False):
        for layer in self.stack:
            inputs = layer(inputs, training=training) if layer is self.stack[1] else layer(inputs)
        self.seen.update_state(inputs)
        return self.named["last"](self.named["drop"](inputs, training=training))


@cornu.op
def doubled(x):
    return 2 * x


def functional():
    inputs, twice = cornu.Input((3,)), layers.Dense(3, activation=doubled, name="twice")
    inner = cornu.Sequential([cornu.Input((3,)), layers.Dense(2), layers.Dropout(0.5)])
    x = twice(twice(doubled(inputs)))
    x = cornu.ops.concatenate([inner(x), inner(2 * x)], axis=-1)
    return cornu.Model(inputs, layers.Dense(1)(x))


def residual(x):
    return layers.Add()([x, layers.Dense(3, "relu")(x)])


def blocks():
    x = inputs = cornu.Input((3,))
    for _ in range(3):
        x = residual(x)
    return cornu.Model(inputs, layers.Dense(1)(x))


def stack(*inner, input_shape=(3,)):
    return cornu.Sequential([cornu.Input(input_shape), *inner, layers.Dense(1)])


def with_shared_generator():
    source = cornu.random.SeedGenerator(3)
    return stack(Noise(source), layers.Dense(3), Noise(source))


def adapted():
    model = stack(layers.Dense(4, name="adapted"))
    model.layers[0].enable_lora(2)
    return model


def quantized(mode):
    model = stack(layers.Dense(4))
    model.quantize(mode)
    return model


def partly_frozen():
    model = stack(layers.Dense(4), layers.BatchNormalization())
    model.layers[0].trainable = False
    return model


def mixed():
    return stack(
        layers.Dense(4, dtype="mixed_bfloat16"), layers.Activation("linear", dtype="float32")
    )


MODELS = {
    "sequential": lambda: stack(layers.Dense(4), layers.Dropout(0.5), layers.BatchNormalization()),
    "undeclared": lambda: cornu.Sequential([layers.Dense(4), layers.Dense(1)]),
    "functional": functional,
    "blocks": blocks,
    "subclassed": Subclassed,
    "shared generator": with_shared_generator,
    "lora": adapted,
    "float8": lambda: quantized("float8"),
    "frozen": partly_frozen,
    "mixed": mixed,
}
OPTIMIZERS = {
    "averages": lambda: optimizers.Adam(0.01, use_ema=True),
    "accumulation": lambda: optimizers.SGD(0.01, momentum=0.9, gradient_accumulation_steps=2),
    "loss scale": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.01), initial_scale=8.0),
    "schedule": lambda: optimizers.AdamW(schedules.CosineDecay(0.1, 100)),
    "rates": lambda: optimizers.Adam(0.01).set_rates({"**/bias": 2.0}),
    "several": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.1), {".*bias": optimizers.Adam(0.1)})
    ),
}


def check_copies(model, optimizer, copied):
    """Compares a model and its copy before and after compile and fit, and as both train on."""
    check_equal(model, copied(model))
    model.compile(optimizer, squared, metrics=["mae"])
    check_equal(model, copied(model))
    model.fit(X, Y, batch_size=8, verbose=0)
    again = copied(model)
    check_equal(model, again)
    histories = [m.fit(X, Y, batch_size=8, epochs=2, verbose=0).history for m in (model, again)]
    assert histories[0] == histories[1]
    check_equal(model, again)
    np.testing.assert_array_equal(model(X), again(X))
    again.layers[-1].trainable = False  # which the original does not see
    assert model.trainable_variables


def _slow_but(names, fast):
    return [pytest.param(n, marks=[] if n in fast else [pytest.mark.slow]) for n in names]


@pytest.mark.parametrize("name", _slow_but(MODELS, ("functional",)))
def test_a_copy_of_a_model_trains_on_with_the_same_bits(name):
    check_copies(MODELS[name](), "adam", WAYS["deepcopy" if name == "functional" else "pickle"])


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_optimizer_of_a_copy_has_the_same_state(name):
    check_copies(MODELS["sequential"](), OPTIMIZERS[name](), WAYS["pickle"])


@pytest.mark.parametrize("way", WAYS)
def test_every_way_copies_a_trained_model(way):
    model = stack(layers.Dense(2))
    model.compile("adam", "mse", metrics=["mae"])
    first = model.train_on_batch(X, Y)
    again = WAYS[way](model)
    check_equal(model, again)
    # The metrics run on as well.
    assert model.train_on_batch(X, Y) == again.train_on_batch(X, Y) != first
    weights = model.get_weights()
    again.set_weights([np.zeros_like(w) for w in weights])
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_quantized_models_are_copied(mode):
    model = quantized(mode)
    again = WAYS["pickle"](model)
    check_equal(model, again)
    np.testing.assert_array_equal(model(X), again(X))


def test_several_inputs_and_outputs_are_copied():
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    x = layers.Add()([a, b])
    model = cornu.Model({"a": a, "b": b}, {n: layers.Dense(1, name=n)(x) for n in "pq"})
    model.compile("sgd", {"p": "mse", "q": squared}, metrics={"p": "mae"})
    data = {"a": X, "b": X}, {"p": Y, "q": Y}
    model.fit(*data, verbose=0)
    again = WAYS["pickle"](model)
    check_equal(model, again)
    assert model.fit(*data, verbose=0).history == again.fit(*data, verbose=0).history


def test_what_a_class_stores_itself_is_copied():
    inputs = cornu.Input((3,))
    model = cornu.Model(inputs, Lazy()(Stores(name="own")(inputs)))
    own = model.get_layer("own")
    own.seen, own.text = np.arange(2.0), "text"
    again = WAYS["pickle"](model)
    check_equal(model, again)
    copied = again.get_layer("own")
    assert copied.seen.tolist() == [0, 1] and copied.text == "text"


def test_adapted_preprocessing_layers_are_copied():
    words = np.array(["b a", "a"])
    made = [
        (layers.StringLookup(), words),
        (layers.TextVectorization(output_mode="tf_idf"), words),
        (layers.IntegerLookup(), np.array([4, 4, 2])),
        (layers.Normalization(), X),
        (layers.Discretization(num_bins=3), X),
        (layers.Hashing(4), None),
    ]
    for layer, data in made:
        if data is not None:
            layer.adapt(data)
        data = words if data is None else data
        for copied in (WAYS["pickle"](layer), WAYS["deepcopy"](layer)):
            np.testing.assert_array_equal(layer(data), copied(data))
            check_equal(layer, copied)


# ------------------------------------------------------------------------------- parts of models


OTHERS = {
    "loss": losses.Huber(0.5, name="own"),
    "initializer": initializers.GlorotUniform(seed=cornu.random.SeedGenerator(3)),
    "regularizer": regularizers.L2(0.1),
    "schedule": schedules.ExponentialDecay(0.1, 10, 0.9),
    "dtype policy": cornu.DTypePolicy("mixed_bfloat16"),
    "layer": layers.MultiHeadAttention(2, 3, dropout=0.1),
    "optimizer": optimizers.Adam(0.01, clipnorm=1.0),
    "constraint": cornu.constraints.MaxNorm(2.0),
}


@pytest.mark.parametrize("name", OTHERS)
def test_configs_of_copies_are_equal(name):
    obj = OTHERS[name]
    for way in WAYS.values():
        copied = way(obj)
        assert type(copied) is type(obj) and copied is not obj
        assert copied.get_config() == obj.get_config()


def test_built_layers_are_copied():
    for layer in (layers.LSTM(2), layers.Bidirectional(layers.GRU(2)), layers.Conv1D(2, 2)):
        layer(floats(2, 4, 3))
        check_equal(layer, WAYS["pickle"](layer))
        check_equal(layer, WAYS["deepcopy"](layer))


METRICS = {
    "f1": lambda: metrics.F1Score(average="macro"),
    "r2": lambda: metrics.R2Score(),
    "auc": lambda: metrics.AUC(multi_label=True),
    "wrapper": lambda: metrics.MeanMetricWrapper(squared, name="squared"),
}


@pytest.mark.parametrize("name", _slow_but(METRICS, ("f1",)))
def test_metrics_run_on(name):
    metric = METRICS[name]()
    y_true = (floats(6, 2) > 0.5).astype("float32")
    metric.update_state(y_true, floats(6, 2, seed=5))
    copied = WAYS["pickle"](metric)
    for _ in range(2):
        check_equal(metric, copied)
        np.testing.assert_array_equal(metric.result(), copied.result())
        for one in (metric, copied):
            one.update_state(y_true, floats(6, 2, seed=6))


def test_generated_names_remain():
    model = stack(layers.Dense(1))
    model.compile("sgd", "mse", metrics=[metrics.Precision(), metrics.Precision()])
    parts = [metrics.Recall(), optimizers.OptaxOptimizer(optax.sgd(0.1))]
    for obj in parts:
        assert WAYS["cloudpickle"](obj).name == WAYS["deepcopy"](obj).name == obj.name
    labels = (Y > 0.5).astype("float32")
    first = model.train_on_batch(X, labels, return_dict=True)
    again = WAYS["pickle"](model)
    logs = [m.train_on_batch(X, labels, return_dict=True) for m in (model, again)]
    assert logs[0] == logs[1] and logs[0].keys() == first.keys()


def test_sums_keep_what_was_rounded():
    total = metrics.Sum()
    total.update_state(2.0**24)
    total.update_state(1.0)
    copied = WAYS["pickle"](total)
    for one in (total, copied):
        one.update_state(1.0)
    assert float(copied.result()) == float(total.result()) == 2.0**24 + 2


def test_generators_draw_the_same_numbers():
    source = cornu.random.SeedGenerator()
    cornu.random.normal((), seed=source)
    for way in WAYS.values():
        copied, original = way(source), copy.deepcopy(source)
        for _ in range(2):
            one, other = (cornu.random.normal((3,), seed=s) for s in (copied, original))
            np.testing.assert_array_equal(one, other)


def test_copies_leave_the_random_state_as_it_is():
    draws = []
    model = stack(layers.Dense(2), layers.Dropout(0.5))
    for copied in (False, True):
        cornu.utils.set_random_seed(5)
        if copied:
            copy.deepcopy(model)
            pickle.loads(pickle.dumps(model))
        draws.append(float(cornu.random.normal(())))
    assert draws[0] == draws[1]


def test_optimizers_are_copied_with_their_variables():
    w = cornu.Variable([1.0, 2.0], name="w")
    optimizer = optimizers.AdamW(0.1, use_ema=True)
    optimizer.exclude_from_weight_decay([w])
    step = [np.ones(2, "float32")]
    optimizer.apply(step, [w])
    copied, its_w = WAYS["pickle"]((optimizer, w))
    alone = WAYS["deepcopy"](optimizer)
    check_equal(optimizer, copied)
    # One that is copied alone continues with Variables of the same shapes, in their places.
    new = cornu.Variable(w, name="new")
    for one, variable in ((optimizer, w), (copied, its_w), (alone, new)):
        one.apply(step, [variable])
    assert w.numpy().tolist() == its_w.numpy().tolist() == new.numpy().tolist()
    assert int(alone.iterations) == 2
    alone.apply([np.ones(3, "float32")], [cornu.Variable(np.ones(3), name="other")])
    assert int(alone.iterations) == 1  # with others, it begins
    with pytest.raises(ValueError, match="was not built with 'new'"):
        optimizer.apply(step, [new])


def test_a_copied_optimizer_continues_in_another_model():
    models = [stack(layers.Dense(2)) for _ in range(2)]
    models[0].compile("adam", "mse")
    models[0].fit(X, Y, verbose=0)
    models[1].set_weights(models[0].get_weights())
    models[1].compile(WAYS["pickle"](models[0].optimizer), "mse")
    for model in models:
        model.fit(X, Y, shuffle=False, verbose=0)
    check_equal(*models)


def test_references_within_a_copy_remain():
    model = stack(layers.Dense(2))
    model.compile("sgd", "mse")
    history = model.fit(X, Y, verbose=0)
    again, layer, variable = copy.deepcopy((model, model.layers[0], model.weights[0]))
    assert layer is again.layers[0] and variable is again.weights[0]
    again, logs = pickle.loads(pickle.dumps((model, history)))
    assert logs.model is again and logs.history == history.history
    stop = WAYS["pickle"](callbacks.EarlyStopping(patience=3))
    assert stop.patience == 3


# ------------------------------------------------------------------- functions and classes of users


def local_parts():
    class Local(cornu.Layer):
        def call(self, inputs):
            return inputs + 1

    def loss(y_true, y_pred):
        return squared(y_true, y_pred)

    model = stack(Local(name="local"), layers.Lambda(lambda x: 2 * x, name="double"))
    model.compile("sgd", loss)
    return model


def test_functions_without_a_name_are_listed():
    model = local_parts()
    with pytest.raises(pickle.PicklingError, match="Sequential cannot be pickled") as caught:
        pickle.dumps(model)
    text = str(caught.value)
    assert "class local_parts.<locals>.Local, of Local 'local'" in text
    assert re.search(r"<lambda> \(.*test_pickling.py:\d+\), of Lambda 'double', function", text)
    assert "function local_parts.<locals>.loss" in text and "cloudpickle.dumps" in text


def test_other_picklers_store_the_code():
    model = local_parts()
    model.fit(X, Y, verbose=0)
    for name in ("cloudpickle", "deepcopy"):
        copied = WAYS[name](model)
        assert model.evaluate(X, Y, verbose=0) == copied.evaluate(X, Y, verbose=0)
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=0.01)
    model = stack(layers.Dense(2))
    model.compile(optimizer, "mse")
    model.fit(X, Y, verbose=0)
    copied = WAYS["cloudpickle"](model)
    check_equal(model, copied)


def test_registered_parts_are_found_by_their_names():
    @cornu.saving.register_keras_serializable(package="test_pickling")
    class Registered(cornu.Layer):
        def call(self, inputs):
            return inputs + 1

    @cornu.saving.register_keras_serializable(package="test_pickling")
    def plus(x):
        return x + 1

    model = stack(Registered(), layers.Dense(2, activation=plus))
    again = WAYS["pickle"](model)
    assert type(again.layers[0]) is Registered and again.layers[1].activation is plus


@jax.jit
def compiled(x):
    return 2 * x


def test_compiled_functions_are_stored_by_their_names():
    for function in (jax.nn.relu, jnp.tanh, compiled):
        model = stack(layers.Dense(2, activation=function))
        for name in ("pickle", "cloudpickle", "deepcopy"):
            assert WAYS[name](model).layers[0].activation is function
    model = stack(layers.Dense(2, activation=jax.jit(lambda x: 2 * x)))
    with pytest.raises(
        pickle.PicklingError, match=r"<lambda> \(.*test_pickling.py:\d+\), of Dense"
    ):
        pickle.dumps(model)


def test_functions_of_the_library_are_stored_by_their_public_names():
    content = pickle.dumps(stack(layers.Dense(2, "relu")))
    assert re.findall(rb"cornu[.\w]*", content) == [b"cornu.saving.pickling"]


IN_MAIN = """
import sys, numpy as np, cloudpickle, cornu

class Own(cornu.Layer):
    def call(self, inputs):
        return inputs * 3

model = cornu.Sequential([cornu.Input((3,)), Own(), cornu.layers.Dense(1)])
model.compile("sgd", lambda a, b: cornu.ops.mean((a - b) ** 2))
model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
with open(sys.argv[1], "wb") as file:
    cloudpickle.dump((model, np.asarray(model(np.ones((4, 3))))), file)
"""


@pytest.mark.slow
def test_what_main_defines_is_loaded_elsewhere(tmp_path):
    run_program(IN_MAIN, tmp_path / "model.pkl")
    model, outputs = cloudpickle.loads((tmp_path / "model.pkl").read_bytes())
    np.testing.assert_allclose(model(np.ones((4, 3))), outputs, rtol=1e-6)
    assert model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0).history["loss"]


class NeedsMore(cornu.Layer):
    def __init__(self, units=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units or 1))

    def call(self, inputs):
        return inputs @ self.kernel


def test_objects_that_cannot_be_restored_are_named():
    layer = NeedsMore()
    layer.units = 2  # which no config knows
    layer(X)
    with pytest.raises(
        ValueError, match=r"NeedsMore: Variables of shapes \[\(3, 2\)\] were copied"
    ):
        copy.deepcopy(layer)


# ------------------------------------------------------------------------------------- processes


def train_on(model):
    return model.fit(X, Y, batch_size=8, verbose=0).history, model


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_models_go_through_a_process_pool(method):
    model = functional()
    model.compile("adam", squared)
    model.fit(X, Y, verbose=0)
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        history, there = pool.submit(train_on, model).result(timeout=240)
    assert train_on(model)[0] == history
    check_equal(model, there)


@pytest.mark.slow
def test_two_thousand_layers_are_pickled():
    model = cornu.Sequential([cornu.Input((2,)), *(layers.Dense(2) for _ in range(2000))])
    check_equal(model, WAYS["pickle"](model))
