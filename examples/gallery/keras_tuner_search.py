# %% [markdown]
# # Hyperparameters by KerasTuner
#
# KerasTuner says `import keras`, and gets cornu after `cornu.install_as_keras()`. A random search
# chooses the width of a network, its depth, the rate of dropout and the learning rate by the
# accuracy on validation data; the test data decide in the end. It needs `pip install keras-tuner`.

# %%
import numpy as np

import cornu

cornu.install_as_keras()  # before anything imports keras

import keras_tuner

from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.reshape(-1, 64).astype("float32") / 16 for part in (x_train, x_test))
split = 1000  # the rest of the training data validates

# %% [markdown]
# ## The search space


# %%
def hidden(x, units, dropout):
    return layers.Dropout(dropout)(layers.Dense(units, "relu")(x))


def build_model(hp):
    image = cornu.Input((64,), name="image")
    x = image
    for _ in range(hp.Int("layers", 1, 2)):
        x = hidden(x, hp.Int("units", 4, 64, sampling="log"), hp.Float("dropout", 0.0, 0.4))
    model = cornu.Model(image, layers.Dense(10, "softmax")(x))
    rate = hp.Float("rate", 1e-4, 3e-2, sampling="log")
    model.compile(
        cornu.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


tuner = keras_tuner.RandomSearch(
    build_model, objective="val_accuracy", max_trials=5, seed=1, directory="search"
)
tuner.search(
    x_train[:split],
    y_train[:split],
    validation_data=(x_train[split:], y_train[split:]),
    epochs=8,
    verbose=0,
)
for trial in tuner.oracle.get_best_trials(5):
    values = trial.hyperparameters.values
    print(f"{trial.score:.1%}: {values['layers']} x {values['units']}, rate {values['rate']:.4f}")

# %% [markdown]
# ## Result
#
# The best hyperparameters are trained once more, with all training data. The baseline is the mean
# of the trials: what a guess would have given.

# %%
best = build_model(tuner.get_best_hyperparameters()[0])
best.fit(x_train, y_train, epochs=8, verbose=0)
accuracy = best.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
baseline = np.mean([trial.score for trial in tuner.oracle.get_best_trials(5)])
print(f"accuracy {accuracy:.1%}; mean of the trials {baseline:.1%}")
assert accuracy > baseline
