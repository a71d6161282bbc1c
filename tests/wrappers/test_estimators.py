"""Models as estimators of scikit-learn: its own checks, and what they do not cover."""

import pickle
import sys
import unittest
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import cornu
from cornu.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer
from tests.processes import run_program

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]
LABELS = np.where(Y > 0, "up", "down")


def make(X, y, loss="mse", units=4, activation=None):
    cornu.utils.set_random_seed(1)  # the checks compare the results of two calls of `fit`
    model = cornu.Sequential(
        [
            cornu.Input(X.shape[1:]),
            cornu.layers.Dense(units, "relu"),
            cornu.layers.Dense(y.shape[1], activation),
        ]
    )
    model.compile(cornu.optimizers.Adam(0.05), loss)
    return model


SOFTMAX = {"loss": "categorical_crossentropy", "activation": "softmax"}
QUIET = {"verbose": 0, "epochs": 2}
ESTIMATORS = [
    SKLearnClassifier(make, model_kwargs=SOFTMAX, fit_kwargs=QUIET),
    SKLearnRegressor(make, fit_kwargs=QUIET),
    SKLearnTransformer(make, fit_kwargs=QUIET),
]
# Two epochs do not learn every class, nor reach the accuracy that scikit-learn expects.
UNFIT = dict.fromkeys(
    ["check_classifiers_classes", "check_classifiers_train"], "training is too short"
)


def checks():
    for estimator in ESTIMATORS:
        unfit = UNFIT if isinstance(estimator, SKLearnClassifier) else {}
        yield from estimator_checks_generator(
            estimator, legacy=True, expected_failed_checks=unfit, mark="xfail", xfail_strict=False
        )


def identify(value):
    """Returns the id of an argument; that of scikit-learn contains the address of `make`."""
    if callable(value):
        return getattr(value, "func", value).__name__
    return type(value).__name__


# Each check trains small models, several hundred in all.
@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "check"), list(checks()), ids=identify)
def test_the_checks_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(estimator)
        except unittest.SkipTest as skipped:
            pytest.skip(str(skipped))


def test_a_classifier_learns_labels_of_any_type():
    pipe = make_pipeline(
        StandardScaler(),
        SKLearnClassifier(make, model_kwargs=SOFTMAX, fit_kwargs={"verbose": 0, "epochs": 40}),
    )
    pipe.fit(X, LABELS)
    classifier = pipe[-1]
    assert classifier.classes_.tolist() == ["down", "up"] and classifier.epoch_ == 40
    assert pipe.score(X, LABELS) > 0.9
    scores = pipe.decision_function(X)
    assert np.array_equal(classifier.classes_[scores.argmax(1)], pipe.predict(X))


def test_a_regressor_takes_a_model_and_does_not_change_it():
    model = make(X, Y[:, None])
    before = model.get_weights()
    regressor = SKLearnRegressor(model, fit_kwargs={"verbose": 0})
    regressor.fit(X, Y, epochs=60)
    assert regressor.fit_kwargs == {"verbose": 0} and regressor.history_.epoch[-1] == 59
    assert regressor.predict(X).shape == (40,) and regressor.score(X, Y) > 0.5
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not hasattr(clone(regressor), "model_")


def test_warm_start_goes_on():
    regressor = SKLearnRegressor(make(X, Y[:, None]), warm_start=True, fit_kwargs=QUIET)
    assert regressor.fit(X, Y).model_ is regressor.model
    losses = [regressor.fit(X, Y).history_.history["loss"][-1] for _ in range(12)]
    assert losses[-1] < losses[0]
    copied = clone(regressor)
    assert copied.model is not regressor.model and copied.fit_kwargs == QUIET
    assert np.allclose(copied.model.get_weights()[0], regressor.model.get_weights()[0])


def test_a_transformer_gives_the_outputs_of_the_model():
    transformer = SKLearnTransformer(make, fit_kwargs=QUIET).fit(X, Y)
    assert transformer.transform(X).shape == (40, 1)
    assert make_pipeline(transformer, StandardScaler()).fit_transform(X, Y).shape == (40, 1)


def test_a_fitted_estimator_is_pickled_with_its_model():
    regressor = SKLearnRegressor(make(X, Y[:, None]), fit_kwargs=QUIET).fit(X, Y)
    again = pickle.loads(pickle.dumps(regressor))
    assert np.allclose(again.predict(X), regressor.predict(X), atol=1e-6)
    assert again.history_.history == regressor.history_.history
    assert again.fit(X, Y).predict(X).shape == (40,)


def test_errors():
    with pytest.raises(NotFittedError):
        SKLearnRegressor(make).predict(X)
    with pytest.raises(ValueError, match="only one class is present"):
        SKLearnClassifier(make).fit(X, np.zeros(40, int))
    with pytest.raises(ValueError, match="Only binary and multiclass .*continuous"):
        SKLearnClassifier(make).fit(X, Y)
    bare = cornu.Sequential([cornu.layers.Dense(1)])
    with pytest.raises(RuntimeError, match="must be compiled.*\n.*model.compile"):
        SKLearnRegressor(bare).fit(X, Y)
    with pytest.raises(RuntimeError, match="requires metadata routing"):
        SKLearnRegressor(make).set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        assert SKLearnRegressor(make).set_fit_request(sample_weight=True)


def test_without_scikit_learn_the_constructor_names_the_package_to_install():
    run_program(
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "from cornu.wrappers import SKLearnClassifier\n"
        "try:\n"
        "    SKLearnClassifier(None)\n"
        "except ImportError as error:\n"
        "    assert \"pip install 'cornu[sklearn]'\" in str(error), error\n"
        "else:\n"
        "    sys.exit('no error')\n"
    )
    assert "sklearn" in sys.modules
