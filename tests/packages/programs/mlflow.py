"""MLflow: automatic logging, the callback, and models as artifacts."""

import keras
import mlflow
import mlflow.keras
import mlflow.pyfunc
import numpy as np
from mlflow.models import infer_signature

from tests.packages.steps import data, fix_weights, step

mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("packages")
x, y = data(20, 4), data(20, 1, seed=1)


def make_model():
    model = fix_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]))
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model


FIT = dict(batch_size=20, epochs=2, verbose=0, shuffle=False)


@step
def autologging():
    mlflow.keras.autolog(log_models=True)
    with mlflow.start_run() as run:
        make_model().fit(x, y, validation_data=(x, y), **FIT)
    mlflow.keras.autolog(disable=True)
    logged = mlflow.get_run(run.info.run_id).data
    return (
        dict(sorted(logged.metrics.items())),
        logged.params["optimizer_name"],
        logged.params["epochs"],
    )


@step
def model_flavor():
    model = make_model()
    with mlflow.start_run():
        signature = infer_signature(x, model.predict(x, verbose=0))
        info = mlflow.keras.log_model(model, name="model", signature=signature)
    loaded = mlflow.keras.load_model(info.model_uri)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    return mlflow.pyfunc.load_model(info.model_uri).predict(x)


@step
def callback():
    with mlflow.start_run() as run:
        make_model().fit(x, y, callbacks=[mlflow.keras.MlflowCallback(log_every_epoch=True)], **FIT)
    return dict(sorted(mlflow.get_run(run.info.run_id).data.metrics.items()))


@step
def custom_layer():
    @keras.saving.register_keras_serializable("mlflow_program")
    class Scale(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

        def call(self, inputs):
            return inputs * self.scale

    model = fix_weights(keras.Sequential([keras.Input((4,)), Scale(), keras.layers.Dense(1)]))
    mlflow.keras.save_model(model, "saved")
    return mlflow.keras.load_model("saved").predict(x, verbose=0)
