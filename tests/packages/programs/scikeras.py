"""SciKeras: classifiers and regressors in pipelines, searches, copies and pickles."""

import pickle

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier, KerasRegressor
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.packages.steps import data, fix_weights, step

x = data(40, 4)
labels = (x[:, 0] > 0).astype(int)


def get_model(meta, hidden=8):
    inputs = keras.Input((meta["n_features_in_"],))
    outputs = keras.layers.Dense(1, "sigmoid")(keras.layers.Dense(hidden, "relu")(inputs))
    return fix_weights(keras.Model(inputs, outputs))


def regression_model():
    return fix_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]))


OPTIONS = dict(loss="binary_crossentropy", epochs=3, batch_size=40, verbose=0, shuffle=False)
classifier = KerasClassifier(
    get_model, optimizer="sgd", optimizer__learning_rate=0.3, metrics=["accuracy"], **OPTIONS
)


@step
def fit_and_predict():
    classifier.fit(x, labels)
    return classifier.predict_proba(x[:5]), classifier.score(x, labels), classifier.history_["loss"]


@step
def callbacks_and_partial_fit():
    callback = keras.callbacks.EarlyStopping(monitor="loss", patience=1)
    fitted = clone(classifier).set_params(callbacks=callback).fit(x, labels)
    fitted.partial_fit(x, labels)
    return fitted.current_epoch, fitted.history_["loss"]


@step
def regressor():
    model = KerasRegressor(
        regression_model, loss="mse", optimizer="sgd", epochs=2, verbose=0, shuffle=False
    )
    return model.fit(x, x @ [1.0, 2, 3, 4]).predict(x[:4])


@step
def pipeline():
    steps = make_pipeline(StandardScaler(), clone(classifier))
    return steps.fit(x, labels).predict(x[:10])


@step
def grid_search():
    search = GridSearchCV(
        KerasClassifier(get_model, hidden=4, optimizer="sgd", **OPTIONS),
        {"hidden": [2, 4], "epochs": [1, 2]},
        cv=2,
        scoring="neg_log_loss",
    )
    search.fit(x, labels)
    return search.best_params_, search.cv_results_["mean_test_score"]


@step
def pickles_and_copies():
    copy = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_allclose(copy.predict_proba(x), classifier.predict_proba(x), rtol=1e-5)
    copy.partial_fit(x, labels)  # with the state of the optimizer
    return copy.history_["loss"]


@step
def initial_model():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    wrapped = KerasClassifier(fix_weights(model), **OPTIONS).fit(x, labels)
    return wrapped.predict_proba(x[:3])
