"""Typical programs of users, written as they write them: a type checker finds no error here.

`scripts/check` runs basedpyright over this file and over `examples/`; `test_user_programs.py` runs
the programs, so that what type-checks also works.
"""

from pathlib import Path
from typing import Any, assert_type

import jax
import numpy as np

import cornu as keras
from cornu import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 8)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
IMAGES = RNG.normal(size=(16, 8, 8, 3)).astype("float32")
TOKENS = RNG.integers(0, 20, (16, 6))


def sequential() -> None:
    model = keras.Sequential(
        [
            keras.Input(shape=(8,)),
            layers.Dense(16, activation="relu", kernel_initializer="he_normal"),
            layers.Dropout(0.5),
            layers.Dense(2, activation="softmax", name="classes"),
        ],
        name="classifier",
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, batch_size=16, epochs=1, validation_split=0.25, verbose=0)
    assert_type(history, keras.callbacks.History)
    last: float = history.history["val_accuracy"][-1]
    print(f"accuracy: {last:.3f}")

    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert_type(results, dict[str, float])
    print(f"loss: {results['loss']:.3f}")
    classes = model.predict(X, verbose=0).argmax(axis=-1)
    print((classes == Y).mean())

    model.summary()
    model.add(layers.Dense(3))
    model.pop()
    kernel, bias = model.layers[0].get_weights()
    print(kernel.shape, bias.shape, model.count_params())


def images() -> None:
    model = keras.Sequential()
    model.add(keras.Input((8, 8, 3)))
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Conv2D(4, kernel_size=3, padding="same", activation="relu"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2), strides=2, padding="valid"))
    model.add(layers.Conv2D(filters=8, kernel_size=(3, 3), strides=(1, 1), use_bias=False))
    model.add(layers.BatchNormalization(momentum=0.9, epsilon=1e-3))
    model.add(layers.Activation("relu"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(units=2, kernel_regularizer=keras.regularizers.L2(1e-4)))
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    model.fit(IMAGES, Y[:16], epochs=1, verbose=0)
    scores = model(IMAGES, training=False)
    print(np.asarray(scores).shape)


def sequences() -> None:
    tokens = keras.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(input_dim=20, output_dim=4, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.LSTM(4, dropout=0.1, recurrent_dropout=0.1)(x)
    model = keras.Model(inputs=tokens, outputs=layers.Dense(1, activation="sigmoid")(x))
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, decay_steps=100)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=0.01), "binary_crossentropy")
    model.fit(TOKENS, Y[:16], verbose=0)
    loss = model.evaluate(TOKENS, Y[:16], verbose=0)
    print(loss)


def functional() -> None:
    image = keras.Input((8, 8, 3), name="image")
    table = keras.Input((8,), name="table")
    x = layers.Conv2D(4, 3, strides=2, data_format="channels_last")(image)
    x = layers.concatenate([layers.Flatten()(x), table])
    x = x + layers.Dense(int(x.shape[-1] or 0), activation=ops.tanh)(x)
    label = layers.Dense(2, name="label")(x)
    value = layers.Dense(1, name="value", activation=None)(ops.relu(x))
    model = keras.Model({"image": image, "table": table}, {"label": label, "value": value})
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0),
        loss={"label": keras.losses.SparseCategoricalCrossentropy(True), "value": "mse"},
        loss_weights={"label": 1.0, "value": 0.5},
        metrics={"label": ["accuracy"], "value": keras.metrics.MeanAbsoluteError()},
    )
    data = {"image": IMAGES, "table": X[:16]}
    targets = {"label": Y[:16], "value": X[:16, :1]}
    model.fit(data, targets, validation_data=(data, targets), class_weight=None, verbose=0)
    outputs = model.predict(data, verbose=0)
    print(outputs["label"].shape, outputs["value"].shape)

    features = keras.Model(model.input, model.get_layer("label").input)
    features.trainable = False
    print(features.name, len(model.trainable_variables), model.output_shape)


class Scale(layers.Layer):
    """Multiplies its input by a trained factor, one for each feature."""

    def __init__(self, initial: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight(
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.initial),
            name="factor",
            trainable=True,
        )

    def call(self, inputs: jax.Array, training: bool = False) -> jax.Array:
        if training:
            self.add_loss(1e-3 * ops.sum(ops.square(self.factor)))
        return inputs * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


class Huber(keras.losses.Loss):
    """A loss with an argument of its own."""

    def __init__(self, delta: float = 1.0, name: str = "huber") -> None:
        super().__init__(name=name)
        self.delta = delta

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        error = ops.abs(y_true - y_pred)
        small = 0.5 * ops.square(error)
        large = self.delta * error - 0.5 * self.delta**2
        return ops.mean(ops.where(error < self.delta, small, large), axis=-1)


class Largest(keras.metrics.Metric):
    """The largest prediction."""

    def __init__(self, name: str = "largest", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.largest = self.add_variable((), "zeros", name="largest")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))

    def result(self) -> jax.Array:
        return self.largest.value


class StopWhenGood(keras.callbacks.Callback):
    """Stops training at a value of the loss."""

    def __init__(self, loss: float) -> None:
        super().__init__()
        self.loss = loss

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs and logs["loss"] < self.loss:
            self.model.stop_training = True


def error_of(y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
    return ops.mean(ops.abs(y_true - y_pred))


def custom_parts(folder: Path) -> None:
    model = keras.Sequential([keras.Input((8,)), Scale(0.5), layers.Dense(1)])
    model.compile(optimizer="rmsprop", loss=Huber(delta=2.0), metrics=[Largest(), error_of])
    model.fit(
        X,
        Y,
        epochs=2,
        verbose=0,
        callbacks=[
            StopWhenGood(loss=0.0),
            keras.callbacks.EarlyStopping(monitor="loss", patience=3, restore_best_weights=True),
            keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="loss", mode="min"),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)),
            keras.callbacks.ReduceLROnPlateau("loss", factor=0.5),
            keras.callbacks.CSVLogger(str(folder / "log.csv")),
        ],
    )


class Regression(keras.Model):
    """A subclassed model with a training step of its own."""

    def __init__(self, units: int = 4) -> None:
        super().__init__()
        self.hidden = layers.Dense(units, activation="gelu")
        self.head = layers.Dense(1)
        self.error = keras.metrics.Mean(name="error")

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.head(self.hidden(inputs))

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data

        def loss_of() -> jax.Array:
            y_pred = self(x, training=True)
            return ops.mean(ops.square(y - y_pred))

        variables = self.trainable_variables
        loss, grads = keras.value_and_grad(loss_of, variables)()
        self.optimizer.apply(grads, variables)
        self.error.update_state(loss)
        return {"error": self.error.result()}


def custom_step() -> None:
    model = Regression(units=8)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-2))
    history = model.fit(X, X[:, :1], epochs=1, verbose=0)
    print(history.history["error"], history.epoch)


def untyped_function(model, x):
    """Programs without annotations are checked, too."""
    hidden = model.layers[-1]
    return hidden(x) if model.built else None


def saving(folder: Path) -> None:
    model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
    model.build((None, 8))
    model.save(folder / "model.keras")
    loaded = keras.saving.load_model(str(folder / "model.keras"), compile=False)
    loaded.summary()
    model.save_weights(folder / "model.weights.h5")
    model.load_weights(folder / "model.weights.h5")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    config = model.get_config()
    again = keras.Sequential.from_config(config)
    print(again.name, model.to_json()[:20])


@keras.saving.register_keras_serializable(package="users")
def squared(x: jax.Array) -> jax.Array:
    return ops.square(x)


def eager() -> None:
    dense = layers.Dense(3, activation=squared, bias_initializer="zeros", dtype="float32")
    y = dense(X)
    print(y.shape, float(ops.sum(y)))
    variable = keras.Variable(np.ones((2, 2)), trainable=True, name="weights")
    variable.assign(variable.value * 2)
    print(variable.numpy(), variable.shape, variable.dtype)
    keras.utils.set_random_seed(1)
    labels = keras.utils.to_categorical([0, 1, 2], num_classes=3)
    noise = keras.random.normal((2, 3), stddev=0.1, seed=keras.random.SeedGenerator(1))
    print(labels.shape, noise.shape, keras.config.floatx())
    accuracy = keras.metrics.BinaryAccuracy(threshold=0.5)
    accuracy.update_state([[1.0]], [[0.7]])
    print(float(accuracy.result()))
    print(float(keras.losses.MeanSquaredError()([[0.0]], [[2.0]])))


def preprocessing() -> None:
    normalize = layers.Normalization(axis=-1)
    normalize.adapt(X)
    lookup = layers.StringLookup(vocabulary=["red", "green"], output_mode="int")
    print(lookup(["red", "blue"]), normalize(X).shape)
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
    print(np.asarray(augment(IMAGES, training=True)).shape)
