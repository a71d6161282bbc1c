"""KerasTuner: four tuners, a subclass of HyperModel, a tuner of the user, and parallel trials."""

import keras
import keras_tuner
import numpy as np

from tests.packages.steps import data, fix_weights, step

x = data(40, 4)
y = (x @ [[1.0], [2.0], [3.0], [4.0]]).astype("float32")


def build_model(hp):
    model = keras.Sequential([keras.Input((4,))])
    for i in range(hp.Int("layers", 1, 2)):
        model.add(keras.layers.Dense(hp.Int(f"units_{i}", 2, 8, step=2), activation="relu"))
    model.add(keras.layers.Dense(1))
    rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
    fix_weights(model).compile(keras.optimizers.SGD(rate), "mse", metrics=["mae"])
    return model


def search(tuner, **kwargs):
    tuner.search(
        x, y, validation_data=(x[:10], y[:10]), batch_size=40, verbose=0, shuffle=False,
        **{"epochs": 2, **kwargs},
    )  # fmt: skip
    trials = tuner.oracle.get_best_trials(3)
    best = tuner.get_best_models(1)[0]
    return [
        [(trial.hyperparameters.values, trial.score) for trial in trials],
        best.evaluate(x, y, verbose=0),
        tuner.get_best_hyperparameters()[0].values,
    ]


OPTIONS = dict(objective="val_loss", seed=1, overwrite=True)


@step
def random_search():
    tuner = keras_tuner.RandomSearch(
        build_model, max_trials=4, directory="random", executions_per_trial=2, **OPTIONS
    )
    return search(tuner)


@step
def bayesian_optimization():
    options = dict(max_trials=5, num_initial_points=2, directory="bayesian")
    return search(keras_tuner.BayesianOptimization(build_model, **options, **OPTIONS))


@step
def hyperband():
    tuner = keras_tuner.Hyperband(build_model, max_epochs=4, directory="band", **OPTIONS)
    search(tuner)
    # Some trials continue others with their weights. The values of the hyperparameters that only
    # a part of the trials has are random in spite of the seed.
    return [(trial.status, trial.score) for trial in tuner.oracle.trials.values()]


@step
def grid_search():
    def build(hp):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Choice("n", [2, 4]))])
        model.add(keras.layers.Dense(1))
        fix_weights(model).compile(hp.Choice("optimizer", ["sgd", "adam"]), "mse")
        return model

    return search(keras_tuner.GridSearch(build, directory="grid", **OPTIONS))


@step
def hypermodel_with_fit():
    class Regression(keras_tuner.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            kwargs["batch_size"] = hp.Choice("batch_size", [20, 40])
            return model.fit(*args, **kwargs)

    return search(
        keras_tuner.RandomSearch(Regression(), max_trials=3, directory="hyper", **OPTIONS)
    )


@step
def tuner_of_the_user():
    class Tuner(keras_tuner.RandomSearch):
        def run_trial(self, trial, *args, **kwargs):
            hp = trial.hyperparameters
            model = build_model(hp)
            model.fit(x, y, batch_size=40, epochs=hp.Int("epochs", 1, 3), verbose=0, shuffle=False)
            return {"loss": model.evaluate(x, y, verbose=0, return_dict=True)["loss"]}

    tuner = Tuner(
        objective=keras_tuner.Objective("loss", "min"), max_trials=3, seed=1, directory="own"
    )
    tuner.search()
    return [trial.score for trial in tuner.oracle.get_best_trials(3)]


@step
def custom_training_loop():
    class Tuner(keras_tuner.RandomSearch):
        def run_trial(self, trial, rows):
            model = self.hypermodel.build(trial.hyperparameters)
            return float(model.train_on_batch(rows, y)[0])

    tuner = Tuner(
        hypermodel=build_model, objective=keras_tuner.Objective("default_objective", "min"),
        max_trials=2, seed=1, directory="loop",
    )  # fmt: skip
    tuner.search(x)
    return [trial.score for trial in tuner.oracle.get_best_trials(2)]


@step
def built_in_hypermodels():
    hypermodel = keras_tuner.applications.HyperResNet(input_shape=(32, 32, 3), classes=3)
    hp = keras_tuner.HyperParameters()
    for name, value in {"conv3_depth": 4, "conv4_depth": 6, "version": "v2"}.items():
        hp.Fixed(name, value)
    return hypermodel.build(hp).count_params()


@step
def resumed_search():
    options = {**OPTIONS, "overwrite": False, "directory": "random"}
    tuner = keras_tuner.RandomSearch(build_model, max_trials=6, executions_per_trial=2, **options)
    assert len(tuner.oracle.trials) == 4  # those of the first step
    return len(search(tuner)[0])


@step
def parallel_trials():
    import os
    import subprocess
    import sys
    import textwrap

    program = textwrap.dedent(
        """
        import sys, keras, keras_tuner, numpy as np
        def build(hp):
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("n", 1, 8)),
                                      keras.layers.Dense(1)])
            model.compile("sgd", "mse")
            return model
        tuner = keras_tuner.RandomSearch(build, "loss", max_trials=3, directory="shared", seed=1)
        tuner.search(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
        print(keras.Model.__module__)
        """
    )
    import socket

    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    processes = []
    for name in ("chief", "tuner0", "tuner1"):
        env = {
            **os.environ,
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
        }
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", program], env=env, stderr=subprocess.PIPE, text=True
            )
        )
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    return len([name for name in os.listdir("shared/untitled_project") if name.startswith("trial")])


assert np.isfinite(y).all()
