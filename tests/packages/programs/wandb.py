"""Weights & Biases, offline: the callbacks for metrics and checkpoints."""

import os

os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=os.getcwd())

import keras  # noqa: E402
import numpy as np  # noqa: E402
import wandb  # noqa: E402
from wandb.integration.keras import (  # noqa: E402
    WandbMetricsLogger,
    WandbModelCheckpoint,
)

from tests.packages.steps import data, fix_weights, step  # noqa: E402

x, y = data(20, 4), data(20, 1, seed=1)
FIT = dict(batch_size=10, epochs=2, verbose=0, shuffle=False, validation_data=(x, y))


def make_model():
    model = fix_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@step
def metrics():
    run = wandb.init(project="packages")
    make_model().fit(x, y, callbacks=[WandbMetricsLogger(log_freq=1)], **FIT)
    summary = dict(run.summary)
    run.finish()
    return {name: summary[name] for name in sorted(summary) if not name.startswith("_")}


@step
def checkpoints():
    run = wandb.init(project="packages")
    make_model().fit(x, y, callbacks=[WandbModelCheckpoint("models/{epoch}.keras")], **FIT)
    run.finish()
    loaded = keras.models.load_model("models/2.keras")
    return sorted(os.listdir("models")), loaded.predict(x, verbose=0)


@step
def logged_by_the_program():
    run = wandb.init(project="packages", config={"units": 1})
    history = make_model().fit(x, y, **FIT)
    for loss in history.history["loss"]:
        run.log({"loss": loss})
    summary = run.summary["loss"]
    run.finish()
    return summary, run.config["units"]


assert np.isfinite(x).all()
