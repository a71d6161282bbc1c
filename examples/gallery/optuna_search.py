# %% [markdown]
# # Hyperparameters by Optuna
#
# Optuna proposes hyperparameters, learns from the results, and stops trials early that are worse
# than the median of the others at the same epoch. Its callback for Keras works with
# `cornu.install_as_keras()`. It needs `pip install optuna-integration`.

# %%
import numpy as np

import cornu

cornu.install_as_keras()  # before anything imports keras

import optuna
from optuna_integration.keras import KerasPruningCallback

from cornu import layers

optuna.logging.set_verbosity(optuna.logging.ERROR)
cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.reshape(-1, 64).astype("float32") / 16 for part in (x_train, x_test))
split = 1000  # the rest of the training data validates

# %% [markdown]
# ## The objective


# %%
def build_model(trial):
    image = cornu.Input((64,), name="image")
    x = layers.Dense(trial.suggest_int("units", 4, 64, log=True), "relu")(image)
    x = layers.Dropout(trial.suggest_float("dropout", 0.0, 0.4))(x)
    model = cornu.Model(image, layers.Dense(10, "softmax")(x))
    rate = trial.suggest_float("rate", 1e-4, 3e-2, log=True)
    model.compile(
        cornu.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def objective(trial):
    history = build_model(trial).fit(
        x_train[:split],
        y_train[:split],
        validation_data=(x_train[split:], y_train[split:]),
        epochs=8,
        callbacks=[KerasPruningCallback(trial, "val_accuracy")],
        verbose=0,
    )
    return history.history["val_accuracy"][-1]


study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=1),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1),
)
study.optimize(objective, n_trials=6)
for trial in study.trials:
    last = trial.intermediate_values[trial.last_step]
    print(f"{trial.state.name.lower():>8} after epoch {trial.last_step + 1}: {last:.1%}")

# %% [markdown]
# ## Result
#
# The best hyperparameters are trained once more, with all training data. The baseline is the mean
# of the trials.

# %%
best = build_model(optuna.trial.FixedTrial(study.best_params))
best.fit(x_train, y_train, epochs=8, verbose=0)
accuracy = best.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
baseline = np.mean([t.intermediate_values[t.last_step] for t in study.trials])
print(f"accuracy {accuracy:.1%}; mean of the trials {baseline:.1%}")
assert accuracy > baseline
