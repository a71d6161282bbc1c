"""Programs of Keras 2: old spellings, logs, files, generators, wrappers."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.detection import detect, needs_tensorflow
from cornu.dialects.keras2 import load

PROGRAMS_OF_KERAS_3 = (Path(__file__).parents[2] / "scripts/keras_programs/programs").glob("*.py")
KERAS_2_2, KERAS_2_3, TENSORFLOW = map(load, ("2.2.4", "2.3.1", "2.15.0"))
X = np.random.RandomState(0).rand(12, 4).astype("float32")
Y = np.eye(3, dtype="float32")[np.arange(12) % 3]


def classifier(keras, **options):
    model = keras.models.Sequential()
    model.add(keras.layers.Dense(3, activation="softmax", input_shape=(4,)))
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"], **options)
    return model


@pytest.mark.parametrize(
    ("keras", "names"),
    [
        (KERAS_2_2, ["loss", "acc", "val_loss", "val_acc"]),
        (KERAS_2_3, ["loss", "accuracy", "val_loss", "val_accuracy"]),
        (TENSORFLOW, ["loss", "accuracy", "val_loss", "val_accuracy"]),
    ],
)
def test_logs_have_the_names_of_the_version(keras, names):
    history = classifier(keras).fit(X, Y, epochs=1, verbose=0, validation_split=0.5)
    assert list(history.history) == names


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda layers: layers.Conv2D(2, 3, 5).kernel_size, (3, 5)),
        (lambda layers: layers.Convolution2D(2, nb_row=3, nb_col=1).kernel_size, (3, 1)),
        (lambda layers: layers.Conv2D(2, 3, 3, border_mode="same").padding, "same"),
        (lambda layers: layers.Conv2D(2, (3, 3), subsample=(2, 2)).strides, (2, 2)),
        (lambda layers: layers.Convolution3D(2, 1, 2, 3).kernel_size, (1, 2, 3)),
        (lambda layers: layers.Dense(output_dim=5).units, 5),
        (lambda layers: layers.Dense(5, bias=False).use_bias, False),
        (lambda layers: layers.Dropout(p=0.25).rate, 0.25),
        (lambda layers: layers.GRU(2, dropout_W=0.5).dropout, 0.5),
        (lambda layers: layers.LSTM(2, forget_bias_init="zero").unit_forget_bias, False),
        (lambda layers: layers.MaxPooling1D(pool_length=3).pool_size, (3,)),
        (lambda layers: layers.GaussianNoise(sigma=0.5).stddev, 0.5),
        (lambda layers: layers.MaxPooling2D(dim_ordering="th").data_format, "channels_first"),
        (lambda layers: layers.ZeroPadding2D({"top_pad": 2}).padding, ((2, 0), (0, 0))),
    ],
)
def test_arguments_of_keras_1_are_accepted_with_a_warning(make, expected):
    with pytest.warns(UserWarning, match="arguments of Keras 1"):
        found = make(KERAS_2_2.layers)
    assert found == expected


def test_tf_keras_does_not_accept_arguments_of_keras_1():
    assert TENSORFLOW.layers.Conv2D(2, 3, 3).strides == (3, 3)
    with pytest.raises(TypeError, match="no argument 'border_mode'"):
        TENSORFLOW.layers.Conv2D(2, 3, border_mode="same")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda k: k.layers.Conv2D(2, 3, 3, padding="same"), "a kernel size in Keras 1"),
        (lambda k: k.layers.BatchNormalization(mode=1), "mode=1 does not exist in Keras 2"),
        (lambda k: k.layers.Embedding(3, 2, dropout=0.1), "dropout does not exist in Keras 2"),
        (lambda k: k.layers.LSTM(2, forget_bias_init="uniform"), "has no equal in Keras 2"),
        (lambda k: k.layers.Dense(2, weights=[np.ones(3)]), "must have 2 arrays"),
        (lambda k: k.optimizers.get("sgdd"), "Did you mean"),
        (lambda k: k.losses.get("mean_sq"), "Unknown loss function of Keras 2.2"),
    ],
)
def test_values_without_an_equal_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(KERAS_2_2)


def test_models_accept_the_names_of_keras_1():
    keras = KERAS_2_2
    tensor = keras.layers.Input(shape=(4,))
    output = keras.layers.Dense(3)(tensor)
    with pytest.warns(UserWarning, match="input is inputs, output is outputs"):
        model = keras.models.Model(input=tensor, output=output)
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="nb_epoch is epochs"):
        history = model.fit(X, Y, nb_epoch=2, verbose=0)
    assert len(history.epoch) == 2
    with pytest.raises(TypeError, match="fit of Keras 2 has no argument 'epoch'"):
        model.fit(X, Y, epoch=2)


def test_names_of_layers_and_models_count_from_one():
    for keras, expected in ((KERAS_2_2, "max_pooling2d_1"), (TENSORFLOW, "max_pooling2d")):
        assert keras.layers.MaxPooling2D().name == expected
        keras.backend.clear_session()
    assert KERAS_2_2.models.Sequential().name == "sequential_1"


@pytest.mark.parametrize(
    ("keras", "activation", "reset_after"),
    [(KERAS_2_2, 0.7, False), (KERAS_2_3, None, False), (TENSORFLOW, None, True)],
)
def test_recurrent_layers_have_the_defaults_of_the_version(keras, activation, reset_after):
    layer = keras.layers.GRU(2)
    value = float(layer.recurrent_activation(1.0))
    assert value == pytest.approx(activation or 1 / (1 + np.exp(-1)))
    assert layer.reset_after is reset_after


def test_files_restore_the_model_and_its_training(tmp_path):
    keras = KERAS_2_2
    model = classifier(keras)
    model.fit(X, Y, verbose=0)
    model.save(str(tmp_path / "model.hdf5"))
    model.save_weights(str(tmp_path / "weights.hdf5"))
    loaded = keras.models.load_model(str(tmp_path / "model.hdf5"))
    assert isinstance(loaded, keras.models.Sequential)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    kernel = model.get_weights()[0]
    assert loaded.train_on_batch(X, Y) == pytest.approx(model.train_on_batch(X, Y))
    for by_name in (True, False):
        other = classifier(keras)
        other.layers[0].name = model.layers[0].name
        other.load_weights(str(tmp_path / "weights.hdf5"), by_name=by_name)
        np.testing.assert_array_equal(other.get_weights()[0], kernel)


def test_generators_are_read_by_steps_and_by_samples():
    model = classifier(KERAS_2_2)
    sizes = []

    def batches():
        while True:
            sizes.append(3)
            yield X[:3], Y[:3]

    model.fit_generator(batches(), steps_per_epoch=2, epochs=1, verbose=0)
    by_steps = len(sizes)
    with pytest.warns(UserWarning, match="nb_epoch is epochs"):
        model.fit_generator(batches(), samples_per_epoch=6, nb_epoch=1, verbose=0)
    assert len(sizes) - by_steps == by_steps
    assert model.predict_generator(batches(), steps=2).shape == (6, 3)
    assert len(model.evaluate_generator(batches(), steps=2)) == 2


def test_a_sequence_need_not_call_its_constructor():
    class Batches(KERAS_2_2.utils.Sequence):
        def __init__(self, count):
            self.count = count

        def __len__(self):
            return self.count

        def __getitem__(self, index):
            return X[:4], Y[:4]

    model = classifier(KERAS_2_2)
    history = model.fit_generator(Batches(2), epochs=2, verbose=0, workers=4)
    assert len(history.epoch) == 2


def test_custom_layers_follow_the_protocol_of_keras_2():
    keras = KERAS_2_2

    class Scale(keras.layers.Layer):
        def __init__(self, factor, **kwargs):
            self.factor = factor
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.kernel = self.add_weight(
                name="kernel", shape=(input_shape[1], 2), initializer="ones", trainable=True
            )
            super().build(input_shape)

        def call(self, x):
            return keras.backend.dot(x, self.kernel) * self.factor

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2)

    model = keras.models.Sequential([Scale(2, input_shape=(4,))])
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model.predict(X)[:, 0], 2 * X.sum(1), rtol=1e-6)


def test_a_model_trains_the_layers_that_were_trainable_when_it_was_compiled():
    keras = KERAS_2_2
    model = classifier(keras)
    model.trainable = False
    before = model.get_weights()[0]
    model.train_on_batch(X, Y)
    assert not np.array_equal(model.get_weights()[0], before)
    assert model.trainable_weights == []
    model.compile("sgd", "categorical_crossentropy")
    before = model.get_weights()[0]
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_weights_are_those_of_keras_2():
    layers = KERAS_2_2.layers
    model = KERAS_2_2.models.Sequential()
    model.add(layers.LSTM(2, batch_input_shape=(3, 4, 1), stateful=True))
    model.add(layers.BatchNormalization())
    assert len(model.get_weights()) == 7
    assert len(model.layers[1].get_weights()) == 4
    model.set_weights([array + 1 for array in model.get_weights()])
    with pytest.raises(ValueError, match="expected arrays of shapes"):
        model.set_weights(model.get_weights()[:-1])


def test_a_loss_may_use_tensors_of_the_model():
    keras, K = KERAS_2_2, KERAS_2_2.backend
    tensor = keras.layers.Input(shape=(4,))
    hidden = keras.layers.Dense(2)(tensor)
    model = keras.models.Model(tensor, keras.layers.Dense(4)(hidden))
    model.compile("sgd", lambda true, found: K.mean(K.square(true - found)) + K.mean(hidden))
    expected = np.mean((X - model.predict(X)) ** 2)
    expected += np.mean(keras.models.Model(tensor, hidden).predict(X))
    assert model.evaluate(X, X, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_weights_of_a_layer_are_arguments():
    kernel, bias = np.full((4, 2), 3.0), np.ones(2)
    model = KERAS_2_2.models.Sequential()
    model.add(KERAS_2_2.layers.Dense(2, input_dim=4, weights=[kernel, bias]))
    np.testing.assert_array_equal(model.get_weights()[0], kernel)


def test_the_wrapper_is_an_estimator():
    def make(units=2):
        model = KERAS_2_2.models.Sequential()
        model.add(KERAS_2_2.layers.Dense(units, activation="relu", input_dim=4))
        model.add(KERAS_2_2.layers.Dense(3, activation="softmax"))
        model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
        return model

    wrapper = KERAS_2_2.wrappers.scikit_learn.KerasClassifier(make, epochs=1, verbose=0)
    wrapper.set_params(units=4)
    labels = np.array(["a", "b", "c"])[np.arange(12) % 3]
    wrapper.fit(X, labels)
    assert wrapper.predict(X)[0] in labels
    assert wrapper.predict_proba(X).shape == (12, 3)
    assert 0 <= wrapper.score(X, labels) <= 1
    with pytest.raises(ValueError, match="'unit' is not an argument"):
        wrapper.set_params(unit=3)


def test_no_call_of_keras_2_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = classifier(KERAS_2_2)
        model.fit(X, Y, epochs=1, verbose=0)


PROGRAMS = {
    "keras1": "from keras.models import Sequential\nmodel.fit(x, y, nb_epoch=3)\n",
    "keras2": "from keras.layers.core import Dense\nmodel.fit_generator(g, steps_per_epoch=3)\n",
    "keras3": "import keras\nfrom keras import ops\nmodel.fit(x, y, nb_epoch=3)\n",
}


@pytest.mark.parametrize(
    ("program", "dialect"),
    [
        *((text, name) for name, text in PROGRAMS.items()),
        ("from keras.layers import Dense\nDense(3, init='uniform')", "keras1"),
        ("from keras.layers import Convolution2D\nConvolution2D(3, 3, 3)", "keras1"),
        ("from keras.layers import Conv2D\nConv2D(3, 3, 3)", "keras3"),
        ("from keras import layers\nlayers.Embedding(input_dim=3, output_dim=2)", "keras3"),
        ("from keras import layers\nlayers.Dense(3, input_dim=2)", "keras3"),
        ("from keras.layers import Conv2D\nConv2D(3, (3, 3), border_mode='same')", "keras2"),
        (
            "from keras.layers import Convolution2D\nConvolution2D(3, 3, 3, padding='same')",
            "keras2",
        ),
        ("from keras import optimizers\noptimizers.SGD(lr=0.1)", "keras2"),
        ("from keras import backend as K\nK.function([], [])", "keras2"),
        ("from keras import backend as K\nK.clear_session()", "keras3"),
        ("import tensorflow as tf\ntf.keras.optimizers.Adam(lr=0.1)", "keras2"),
        ("import tensorflow as tf\ntf.keras.layers.Dense(3)", "keras3"),
        ("from keras.layers import Merge", "keras1"),
        ("from keras.models import Model\nModel(input=a, output=b)", "keras1"),
        ("import keras\nkeras.layers.Dense(3)\nfit(nb_epoch=3, lr=0.1, init='a')", "keras3"),
        ("import keras\nx = keras.Variable(1.0)\nkeras.optimizers.SGD(lr=0.1)", "keras3"),
        ("import argparse\nargparse.ArgumentParser(description='nb_epoch')", "keras3"),
    ],
)
def test_auto_reads_the_program(program, dialect, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(program)
    choice = detect(path)
    assert choice.dialect == dialect, choice.describe()
    assert bool(choice.reasons) or dialect == "keras3"


@pytest.mark.parametrize("path", sorted(PROGRAMS_OF_KERAS_3), ids=lambda path: path.stem)
def test_auto_never_takes_a_program_of_keras_3_for_an_older_one(path):
    choice = detect(path)
    assert choice.dialect == "keras3", choice.describe()


def test_the_runner_says_what_it_chose(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import sys\nimport keras\nfrom keras.layers.core import Dense\n"
        "Dense(3, init='normal')\nprint(keras.__version__, sys.argv[1:], float('nan'))\n"
        "import numpy as np\nprint(np.float, xrange(2))\n"
    )
    command = [sys.executable, "-m", "cornu", "run", "--modernize-notes", "--shims", str(path), "a"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "1.2.2 ['a'] nan" in done.stdout
    assert "range(0, 2)" in done.stdout
    assert "keras1, because of Dense(init=...) (program.py:4)" in done.stderr
    assert "note: Dense(3, init='normal') is today cornu.layers.Dense(units=3" in done.stderr


def test_layers_know_the_shapes_of_their_calls():
    keras = load()
    K, layers = keras.backend, keras.layers
    a, b = layers.Input((4, 3)), layers.Input((6, 3))
    lstm = layers.LSTM(2, return_sequences=True)
    first, second = lstm(a), lstm(b)
    assert lstm.get_output_at(0) is first and lstm.get_input_at(1) is b
    assert lstm.get_output_shape_at(1) == (None, 6, 2)
    with pytest.raises(AttributeError, match="different shapes"):
        lstm.output_shape  # noqa: B018
    model = keras.models.Model([a, b], layers.concatenate([first, second], axis=1))
    assert model.layers[-1].output_shape == (None, 10, 2)
    assert model.layers[-1].input_shape == [(None, 4, 2), (None, 6, 2)]
    assert (model.stateful, model.uses_learning_phase) == (False, False)
    loss = K.mean(model.output)
    for arguments in ((loss, model.trainable_weights), (model.trainable_weights, {}, loss)):
        assert len(keras.optimizers.SGD().get_updates(*arguments)) == 1


def test_states_can_be_set():
    keras = load()
    lstm = keras.layers.LSTM(2, stateful=True, batch_input_shape=(1, 4, 3))
    keras.models.Sequential([lstm])
    lstm.reset_states([np.ones((1, 2)), np.zeros((1, 2))])
    assert [float(np.sum(state)) for state in lstm.states] == [2.0, 0.0]
    with pytest.raises(ValueError, match=r"shapes \[\(1, 2\), \(1, 2\)\]"):
        lstm.reset_states([np.ones((1, 3))])


def test_callbacks_see_batches_and_validation_data():
    for keras in (KERAS_2_2, KERAS_2_3):

        class Watch(keras.callbacks.Callback):
            def on_train_begin(self, logs=None):
                self.logs = []
                self.held = [np.shape(array) for array in self.validation_data]

            def on_batch_end(self, batch, logs=None):
                self.logs.append(dict(logs))

        model, watch = classifier(keras), Watch()
        model.set_weights([np.ones((4, 3)) * [1, 2, 3], np.zeros(3)])
        model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
        keras.backend.set_value(model.optimizer.lr, 0.0)
        model.fit(X, Y, 5, 1, 0, [watch], validation_split=0.25, shuffle=False)
        assert [(logs["batch"], logs["size"]) for logs in watch.logs] == [(0, 5), (1, 4)]
        assert watch.held == [(3, 4), (3, 3), (3,)]
        assert (watch.params["samples"], watch.params["batch_size"]) == (9, 5)
        name = model.metrics_names[1]
        assert watch.params["metrics"] == ["loss", name, "val_loss", f"val_{name}"]
        parts = [model.evaluate(X[a:b], Y[a:b], verbose=0) for a, b in ((0, 5), (5, 9))]
        mean = (5 * parts[0][1] + 4 * parts[1][1]) / 9
        # In Keras 2.3, metrics are those of the epoch so far.
        expected = [parts[0], parts[1] if keras is KERAS_2_2 else [parts[1][0], mean]]
        found = [[logs["loss"], logs[name]] for logs in watch.logs]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_an_optimizer_of_two_models():
    keras = KERAS_2_2
    optimizer = keras.optimizers.Adam(0.01)
    models = [keras.models.Sequential([keras.layers.Dense(3, input_dim=4)]) for _ in range(2)]
    for model in models:
        model.compile(optimizer, "mse")
        model.train_on_batch(X, Y)
    assert int(optimizer.iterations) == 2
    models[0].add(keras.layers.Dense(3))
    models[0].compile(optimizer, "mse")
    models[0].train_on_batch(X, Y)
    keras.backend.set_value(optimizer.lr, 0.0)
    assert float(models[1].optimizer.lr.numpy()) == 0.0


def test_tensorflow_callbacks_and_names_of_2_0():
    callbacks = TENSORFLOW.callbacks
    assert callbacks.ModelCheckpoint("a.h5", "val_accuracy", period=2).period == 2
    assert callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    assert callbacks.EarlyStopping("val_acc").mode == "max"
    keras = TENSORFLOW
    policy = keras.mixed_precision.experimental
    policy.set_policy(policy.Policy("float32"))
    assert policy.global_policy().name == "float32"
    assert float(keras.experimental.CosineDecay(0.1, 100)(50)) == pytest.approx(0.05)
    assert keras.optimizers.experimental.Adam is keras.optimizers.Adam
    assert keras.callbacks.experimental.BackupAndRestore is callbacks.BackupAndRestore
    assert keras.layers.experimental.EinsumDense is keras.layers.EinsumDense
    with pytest.raises(NotImplementedError, match="SequenceFeatures"):
        keras.experimental.SequenceFeatures  # noqa: B018


def test_weights_in_the_order_of_keras_1():
    class Scale(KERAS_2_2.layers.Layer):
        def build(self, input_shape):
            self.a = self.add_weight((4,), initializer="ones", name="a")
            self.b = self.add_weight((4,), "zeros", "b")
            self.c = self.add_weight("c", (4,), initializer="ones")

        def call(self, x):
            return x * self.a + self.b + self.c

    layer = Scale()
    layer(X)
    assert [w.name for w in layer.weights] == ["a", "b", "c"]


USES_TENSORFLOW = {
    "import tensorflow as tf\nx = tf.keras.layers.Dense(3)\ntf.random.set_seed(1)": False,
    "from tensorflow import keras\nfrom tensorflow.keras.layers import Dense": False,
    "import tensorflow as tf\nprint(tf.config.experimental.list_physical_devices('GPU'))": False,
    "import tensorflow as tf\nx = tf.reduce_mean([1.0])": True,
    "from tensorflow import data": True,
    "import tensorflow.compat.v1 as tf": True,
    "import numpy as np\nnp.random.rand(3)": False,
}


@pytest.mark.parametrize("program", USES_TENSORFLOW)
def test_programs_that_use_more_of_tensorflow_than_keras(program, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(program)
    assert needs_tensorflow(path) is USES_TENSORFLOW[program]


def test_tensorflow_is_its_keras():
    code = """
from cornu.dialects import keras2
keras2.install(tensorflow=True)
import tensorflow as tf
from tensorflow.python.keras.layers import Dense
from tensorflow.keras.layers.experimental.preprocessing import Rescaling
tf.random.set_seed(3)
assert tf.keras.layers.Dense is Dense and not tf.test.is_gpu_available()
assert tf.config.list_physical_devices("GPU") == []
try:
    tf.reduce_mean
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "tensorflow.reduce_mean is not available" in done.stdout, done.stderr


def test_weighted_losses_and_similarities():
    # As Keras 2.2.4 and 2.3.1 compute: of 8 weights, 2 are 0.
    weights = np.array([0, 1, 2, 0, 1, 1, 3, 0.5])
    x, y = X[:8], Y[:8]
    found = {}
    for keras in (KERAS_2_2, KERAS_2_3):
        model = classifier(keras)
        model.set_weights([np.eye(4, 3), np.zeros(3)])
        model.compile("sgd", "mse", metrics=["cosine_proximity"])
        found[keras] = model.test_on_batch(x, y, sample_weight=weights)
    np.testing.assert_allclose(found[KERAS_2_3][0], found[KERAS_2_2][0] * 6 / 8, rtol=1e-6)
    np.testing.assert_allclose(found[KERAS_2_3][1], -found[KERAS_2_2][1], rtol=1e-5)
