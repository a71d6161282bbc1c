# %% [markdown]
# # Experiments and models in MLflow
#
# MLflow logs parameters, metrics and the trained model of each run, and finds the best run
# afterwards. `mlflow.keras` says `import keras`, which is cornu after `cornu.install_as_keras()`.
# The runs are in a local database. It needs `pip install mlflow`.

# %%
import logging

import numpy as np

import cornu

cornu.install_as_keras()  # before anything imports keras
logging.disable(logging.WARNING)

import mlflow
import mlflow.keras
from mlflow.models import infer_signature

from cornu import layers

cornu.utils.set_random_seed(0)
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("digits")
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.astype("float32") / 16 for part in (x_train, x_test))

# %% [markdown]
# ## Three runs


# %%
def make_model(units):
    image = cornu.Input((8, 8), name="image")
    x = layers.Dense(units, "relu")(layers.Flatten()(image))
    model = cornu.Model(image, layers.Dense(10, "softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(units):
    with mlflow.start_run(run_name=f"{units} units"):
        mlflow.log_param("units", units)
        model = make_model(units)
        callback = mlflow.keras.MlflowCallback(log_every_epoch=True)
        model.fit(x_train, y_train, epochs=8, callbacks=[callback], verbose=0)
        found = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
        mlflow.log_metric("test_accuracy", found["accuracy"])
        signature = infer_signature(x_test, model.predict(x_test, verbose=0))
        mlflow.keras.log_model(model, name="model", signature=signature)


for units in (2, 8, 64):
    train(units)
runs = mlflow.search_runs(order_by=["metrics.test_accuracy DESC"])
print(runs[["params.units", "metrics.test_accuracy", "metrics.accuracy"]].round(3).to_string())

# %% [markdown]
# ## Result
#
# The model of the best run is loaded from MLflow, without the program that built it. The baseline
# is the worst run.

# %%
best = mlflow.search_logged_models(
    filter_string=f"source_run_id = '{runs.run_id[0]}'", output_format="list"
)[0]
loaded = mlflow.pyfunc.load_model(best.model_uri)
accuracy = np.mean(loaded.predict(x_test).argmax(axis=1) == y_test)
baseline = runs["metrics.test_accuracy"].min()
print(f"accuracy {accuracy:.1%}; worst run {baseline:.1%}")
assert accuracy > baseline
