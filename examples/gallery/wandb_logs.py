# %% [markdown]
# # Logs in Weights & Biases, offline
#
# The callback of Weights & Biases logs every step and epoch; the run is kept on this machine and
# can be sent with `wandb sync` later. Its callbacks say `import keras`, which is cornu after
# `cornu.install_as_keras()`. It needs `pip install wandb`.

# %%
import os

import numpy as np

import cornu

cornu.install_as_keras()  # before anything imports keras
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")

import wandb
from wandb.integration.keras import WandbMetricsLogger, WandbModelCheckpoint

from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.astype("float32") / 16 for part in (x_train, x_test))

# %% [markdown]
# ## Two runs


# %%
def make_model(units, rate):
    image = cornu.Input((8, 8), name="image")
    x = layers.Dense(units, "relu")(layers.Flatten()(image))
    model = cornu.Model(image, layers.Dense(10, "softmax")(x))
    model.compile(
        cornu.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def train(**config):
    """Trains a model in a run of its own; returns what the run has logged."""
    with wandb.init(project="digits", config=config) as run:
        callbacks = [
            WandbMetricsLogger(log_freq=20),
            WandbModelCheckpoint(f"{run.id}.keras", monitor="val_accuracy", save_best_only=True),
        ]
        data = {"validation_data": (x_test, y_test), "callbacks": callbacks}
        make_model(**config).fit(x_train, y_train, epochs=6, verbose=0, **data)
        best = cornu.models.load_model(f"{run.id}.keras")
        run.log({"best": best.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]})
        return dict(run.summary)


small, large = train(units=4, rate=1e-3), train(units=64, rate=5e-3)
print(sorted(name for name in large if not name.startswith("_")))
print(len([name for name in os.listdir("wandb") if name.startswith("offline-run")]), "runs")

# %% [markdown]
# ## Result

# %%
frequent = np.bincount(y_test).max() / len(y_test)
print(f"4 units {small['best']:.1%}, most frequent digit {frequent:.1%}")
print(f"accuracy of 64 units {large['best']:.1%}; of 4 units {small['best']:.1%}")
assert large["best"] > small["best"] > frequent
