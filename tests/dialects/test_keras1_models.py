"""Models of the Keras 1 dialect: construction, training, serialization."""

import numpy as np
import pytest

import cornu
from cornu.dialects.keras1 import load

K = load()
X = np.random.RandomState(0).uniform(-1, 1, (20, 4)).astype("float32")
Y = np.eye(3)[np.arange(20) % 3]


def stack(**kwargs):
    dense = K.layers.Dense(3, activation="softmax", input_dim=4)
    model = K.models.Sequential([dense])
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"], **kwargs)
    return model


def test_the_history_has_the_names_of_keras_1():
    model = stack()
    history = model.fit(X, Y, 8, 2, verbose=0, validation_split=0.25)
    assert sorted(history.history) == ["acc", "loss", "val_acc", "val_loss"]
    assert len(history.epoch) == 2
    assert model.metrics_names == ["loss", "acc"]
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    assert 0 <= accuracy <= 1 < loss + 1
    assert len(stack().fit(X, Y, verbose=0).epoch) == 10


def test_keras_3_arguments_are_rejected():
    model = stack()
    with pytest.raises(TypeError, match="epochs"):
        model.fit(X, Y, epochs=2)
    with pytest.raises(TypeError):
        K.models.Model(inputs=1, outputs=2)
    with pytest.raises(ValueError, match="Unknown objective of Keras 1: 'huber'"):
        model.compile("sgd", "huber")
    with pytest.raises(ValueError, match="Unknown optimizer of Keras 1: 'adamw'. Did you mean"):
        model.compile("adamw", "mse")
    with pytest.raises(ValueError, match="Unknown metric of Keras 1: 'auc'"):
        model.compile("sgd", "mse", metrics=["auc"])


def test_classes_and_probabilities():
    model = stack()
    probabilities = model.predict_proba(X)
    classes = model.predict_classes(X)
    assert classes.tolist() == probabilities.argmax(-1).tolist()
    one = K.models.Sequential([K.layers.Dense(1, activation="sigmoid", input_dim=4)])
    assert set(one.predict_classes(X).ravel()) <= {0, 1}
    assert one.predict_classes(X).shape == (20, 1)
    np.testing.assert_array_equal(K.utils.np_utils.probas_to_classes(probabilities), classes)


def test_a_stack_may_learn_its_input_from_data():
    model = K.models.Sequential([K.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=["acc", "mae"])
    history = model.fit(X, Y[:, :1], nb_epoch=1, verbose=0)
    assert sorted(history.history) == ["acc", "loss", "mean_absolute_error"]


def test_one_in_a_list_is_one():
    inputs = K.layers.Input(shape=(4,))
    output = K.layers.Dense(3)(inputs)
    model = K.models.Model(input=[inputs], output=[output])
    assert model.predict(X).shape == (20, 3)
    assert model.predict([X]).shape == (20, 3)


def test_train_on_batch_has_two_orders():
    model, weights = stack(), np.linspace(0, 1, 20)
    before = model.get_weights()
    model.train_on_batch(X, Y, {0: 1.0, 1: 2.0, 2: 0.0})
    by_class = model.get_weights()
    functional = K.models.Model(input=model.input, output=model.output)
    functional.compile("sgd", "categorical_crossentropy")
    model.set_weights(before)
    functional.train_on_batch(X, Y, np.array([1.0, 2.0, 0.0])[np.arange(20) % 3])
    for one, other in zip(by_class, functional.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert np.isfinite(functional.train_on_batch(X, Y, weights))


def test_a_stack_on_branches():
    left, right = (
        K.models.Sequential([K.layers.Dense(2, input_dim=n)], name=name)
        for n, name in ((4, "left"), (3, "right"))
    )
    merged = K.layers.Merge([left, right], mode="concat")
    assert isinstance(merged, K.layers.Merge)
    assert merged.layers == [left, right]
    model = K.models.Sequential()
    model.add(merged)
    model.add(K.layers.Dense(3, activation="softmax"))
    assert model.input_shape == [(None, 4), (None, 3)]
    assert model.output_shape == (None, 3)
    assert model.count_params() == 10 + 8 + 15
    model.compile("sgd", "categorical_crossentropy")
    data = [X, X[:, :3]]
    model.fit(data, Y, nb_epoch=1, verbose=0)
    np.testing.assert_allclose(left.predict(X), model.layers[0].layers[0].predict(X), rtol=1e-6)
    # A stack on branches can itself be a branch.
    third = K.models.Sequential([K.layers.Dense(3, input_dim=4)])
    whole = K.models.Sequential([K.layers.Merge([model, third], mode="sum")])
    parts = [model.predict(data), third.predict(X)]
    np.testing.assert_allclose(whole.predict([*data, X]), sum(parts), rtol=1e-5, atol=1e-6)
    again = K.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(data), model.predict(data), rtol=1e-6)


def test_merge_of_layers_and_what_it_cannot():
    one = K.layers.Dense(2, input_dim=4)
    merged = K.layers.merge([one, K.layers.Dense(2, input_dim=3)], mode="sum")
    assert K.models.Sequential([merged]).predict([X, X[:, :3]]).shape == (20, 2)
    with pytest.raises(ValueError, match="no mode 'add'"):
        K.layers.Merge(mode="add")
    with pytest.raises(NotImplementedError, match="node_indices"):
        K.layers.Merge([one], node_indices=[0])


def test_functional_models_are_serialized_as_keras_3(tmp_path):
    inputs = K.layers.Input(shape=(6, 4))
    x = K.layers.LSTM(3, init="normal")(inputs)
    model = K.models.Model(input=inputs, output=K.layers.Dense(2)(x))
    model.compile(K.optimizers.RMSprop(lr=0.02, decay=0.1), "mse", ["mae"])
    data, targets = np.random.rand(8, 6, 4), np.random.rand(8, 2)
    model.fit(data, targets, nb_epoch=1, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    for loaded in (K.models.load_model(path), cornu.saving.load_model(path, compile=False)):
        np.testing.assert_allclose(loaded.predict(data), model.predict(data), rtol=1e-5)
    loaded = K.models.load_model(path)
    assert isinstance(loaded, K.models.Model)
    assert abs(float(loaded.optimizer.lr.numpy()) - 0.02) < 1e-7
    assert loaded.optimizer.decay == 0.1
    both = [m.fit(data, targets, 8, 1, 0, shuffle=False).history for m in (model, loaded)]
    assert both[0].keys() == both[1].keys()
    np.testing.assert_allclose(both[0]["loss"], both[1]["loss"], rtol=1e-5)
    model.save(tmp_path / "model.h5")
    loaded = K.models.load_model(tmp_path / "model.h5")
    assert [layer.output_shape for layer in loaded.layers] == [
        layer.output_shape for layer in model.layers
    ]
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_in_files(tmp_path):
    model, other = stack(), stack()
    model.save_weights(tmp_path / "weights.hdf5")
    other.load_weights(tmp_path / "weights.hdf5")
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    import h5py

    with h5py.File(tmp_path / "weights.hdf5") as file:
        weights = file["model_weights"]
        names = [name.decode() for name in weights.attrs["layer_names"]]
        assert names == [layer.name for layer in model.layers]
        stored = [
            weights[name][one.decode()][:]
            for name in names
            for one in weights[name].attrs["weight_names"]
        ]
    for a, b in zip(stored, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    expected = model.predict(X)
    model.set_weights([0 * array for array in model.get_weights()])
    model.load_weights(tmp_path / "weights.hdf5", by_name=True)
    np.testing.assert_array_equal(model.predict(X), expected)
    with pytest.raises(FileExistsError):
        model.save_weights(tmp_path / "weights.hdf5", overwrite=False)


def test_checkpoints_count_from_zero(tmp_path):
    model = stack()
    path = str(tmp_path / "{epoch:02d}.hdf5")
    keep = K.callbacks.ModelCheckpoint(path, "loss", save_weights_only=True, period=2)
    model.fit(X, Y, nb_epoch=4, verbose=0, callbacks=[keep])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01.hdf5", "03.hdf5"]
    assert isinstance(keep, K.callbacks.Callback)


def test_other_callbacks(tmp_path):
    seen = []
    watch = K.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    table = K.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    model = stack()
    model.fit(X, Y, 8, 2, verbose=0, callbacks=[watch, table])
    assert seen == [0, 1, 2] * 2
    assert (tmp_path / "log.csv").read_text().startswith("epoch,acc,loss")

    class Own(K.callbacks.EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    own = Own("loss", patience=3)
    assert own.patience == 4  # as many more bad epochs as the era waited
    assert len(model.fit(X, Y, verbose=0, callbacks=[own]).epoch) == 1
    with pytest.raises(TypeError, match="EarlyStopping of Keras 1 has no argument 'baseline'"):
        K.callbacks.EarlyStopping(baseline=1)


def test_a_generator_is_counted_in_samples():
    yielded = []

    def batches():
        while True:
            yielded.append(len(yielded))
            yield X[:8], Y[:8]

    model = stack()
    with pytest.warns(UserWarning, match="24 samples, more than the requested 20"):
        model.fit_generator(batches(), samples_per_epoch=20, nb_epoch=2, verbose=0)
    assert len(yielded) == 6
    assert model.predict_generator(batches(), 16).shape == (16, 3)
    assert len(model.evaluate_generator(batches(), 16)) == 2
    history = model.fit_generator(
        batches(), 16, 1, verbose=0, validation_data=batches(), nb_val_samples=8
    )
    assert "val_acc" in history.history
    with pytest.raises(ValueError, match="nb_val_samples"):
        model.fit_generator(batches(), 16, 1, validation_data=batches())
    with pytest.raises(ValueError, match="ended after 8 of 16 samples"):
        model.fit_generator(iter([(X[:8], Y[:8])]), 16, 1, verbose=0)


def one_step(optimizer, gradients):
    w = cornu.Variable(np.array([1.0, 2.0], "float32"))
    for gradient in gradients:
        optimizer.apply([np.array(gradient, "float32")], [w])
    return w.numpy()


def test_optimizers_by_hand():
    kinds = K.optimizers
    # The rate of step t, from 0, is lr / (1 + decay * t).
    found = one_step(kinds.SGD(lr=0.1, decay=0.5), [[1, 1], [1, 1], [1, 1]])
    np.testing.assert_allclose(found, np.array([1, 2]) - 0.1 * (1 + 1 / 1.5 + 1 / 2), rtol=1e-6)
    # Epsilon is outside of the root, and the mean of squares begins at 0.
    found = one_step(kinds.RMSprop(lr=0.1, rho=0.75, epsilon=1.0), [[2, 4]])
    np.testing.assert_allclose(found, [1 - 0.2 / (1 + 1), 2 - 0.4 / (2 + 1)], rtol=1e-6)
    found = one_step(kinds.Adagrad(lr=0.1, epsilon=1.0), [[3, 4], [4, 3]])
    expected = [1 - 0.3 / 4 - 0.4 / 6, 2 - 0.4 / 5 - 0.3 / 6]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # Adam's epsilon is added to the root of the mean that is not corrected.
    found = one_step(kinds.Adam(lr=0.1, beta_1=0.5, beta_2=0.75, epsilon=1.0), [[2, 4]])
    alpha = 0.1 * np.sqrt(0.25) / 0.5
    expected = [1 - alpha * 1 / (1 + 1), 2 - alpha * 2 / (2 + 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # clipnorm limits the norm of all gradients together, clipvalue each element after that.
    a, b = cornu.Variable(0.0), cornu.Variable(0.0)
    kinds.SGD(lr=1.0, clipnorm=1.0).apply([np.float32(3), np.float32(4)], [a, b])
    np.testing.assert_allclose([float(a), float(b)], [-0.6, -0.8], rtol=1e-6)
    kinds.SGD(lr=1.0, clipnorm=1.0, clipvalue=0.5).apply([np.float32(3), np.float32(4)], [a, b])
    np.testing.assert_allclose([float(a), float(b)], [-1.1, -1.3], rtol=1e-6)
    with pytest.raises(TypeError, match="SGD of Keras 1 has no argument 'learning_rate'"):
        kinds.SGD(learning_rate=0.1)


def test_the_rate_is_a_variable():
    model = stack()
    lr = model.optimizer.lr
    assert K.backend.get_value(lr) == np.float32(0.01)
    K.backend.set_value(lr, 0.5)
    model.optimizer.lr = 0.25
    assert float(K.backend.get_value(model.optimizer.lr)) == 0.25


def test_labels():
    labels = K.utils.np_utils.to_categorical(np.array([[1], [0], [2]]), 4)
    assert labels.dtype == np.float64
    assert labels.tolist() == np.eye(4)[[1, 0, 2]].tolist()
    assert K.utils.np_utils.to_categorical([0, 1]).shape == (2, 2)


def test_missing_names_raise():
    with pytest.raises(NotImplementedError, match="layers.ConvRecurrent2D .* is not supported"):
        K.layers.ConvRecurrent2D  # noqa: B018
    with pytest.raises(NotImplementedError, match="keras.backend.ctc_cost"):
        K.backend.ctc_cost  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'Dens'"):
        K.layers.Dens  # noqa: B018
