"""Estimators of scikit-learn that train and call a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from cornu.errors import missing_package
from cornu.models import Model, clone_model
from cornu.types import ArrayLike

try:
    import sklearn
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
except ImportError:
    # Without scikit-learn the module can be imported; the constructors say what to install.
    sklearn = None

    class BaseEstimator:  # type: ignore[no-redef]
        """An empty class in place of scikit-learn's."""

    class ClassifierMixin:  # type: ignore[no-redef]
        """An empty class in place of scikit-learn's."""

    class RegressorMixin:  # type: ignore[no-redef]
        """An empty class in place of scikit-learn's."""

    class TransformerMixin:  # type: ignore[no-redef]
        """An empty class in place of scikit-learn's."""


__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class ModelEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base class of the estimators: trains a model on arrays.

    Args:
        model, warm_start, model_kwargs, fit_kwargs: see `SKLearnClassifier`.

    Attributes:
        model_: the fitted model.
        history_: the History of the last `fit`.

    Raises:
        ImportError: scikit-learn is not installed.
    """

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if sklearn is None:
            raise missing_package("scikit-learn", "sklearn", type(self).__name__)
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    @property
    def epoch_(self) -> int:
        """The number of epochs of the last `fit`; 0 before the first."""
        return len(self.history_.epoch) if hasattr(self, "history_") else 0

    def fit(self, X: ArrayLike, y: ArrayLike, **kwargs: Any) -> Self:
        """Trains the model.

        Args:
            X: an array (samples, features).
            y: the targets, one for each sample.
            **kwargs: arguments of `model.fit`, such as `epochs` and `sample_weight`.

        Returns:
            The estimator.

        Raises:
            ValueError: the arrays do not match the kind of estimator, such as continuous targets of
                a classifier.
            RuntimeError: the model is not compiled.
        """
        x, targets = _validate(self, X, y)
        encoded = self._fit_targets(targets)
        model = self._make_model(x, encoded)
        if not model.compiled or model.loss is None or model.optimizer is None:
            raise RuntimeError(
                f"{type(self).__name__}: the model must be compiled, with a loss and an "
                "optimizer.\nCall model.compile(optimizer, loss) before `fit`."
            )
        self.history_ = model.fit(x, encoded, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Returns the prediction for each row of an array (samples, features).

        Args:
            X: an array (samples, features).

        Raises:
            sklearn.exceptions.NotFittedError: `fit` was not called.
        """
        return self._decode(self._run(X))

    def set_fit_request(self, **kwargs: bool | str | None) -> Self:
        """Sets which metadata scikit-learn passes to `fit` (metadata routing).

        Args:
            **kwargs: by the name of an argument of `fit`: True (passed), False (not passed), None
                (an error if it is given), or the name under which it is given.

        Returns:
            The estimator.

        Raises:
            RuntimeError: metadata routing is not enabled.
        """
        if not sklearn.get_config().get("enable_metadata_routing", False):
            raise RuntimeError(
                "set_fit_request requires metadata routing.\nEnable it with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        request = self._get_metadata_request()
        for name, alias in kwargs.items():
            request.fit.add_request(param=name, alias=alias)
        self._metadata_request = request
        return self

    def _make_model(self, x: np.ndarray, y: np.ndarray) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model):
            return self.model if self.warm_start else clone_model(self.model)
        return self.model(X=x, y=y, **(self.model_kwargs or {}))

    def _run(self, X: ArrayLike) -> np.ndarray:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        outputs: np.ndarray = self.model_.predict(_validate(self, X, reset=False))
        return outputs

    def _fit_targets(self, y: np.ndarray) -> np.ndarray:
        """Stores the number of axes of the targets, and returns the targets of the model."""
        from sklearn.utils.multiclass import type_of_target

        # Tests of scikit-learn compare this message and those of the classifier.
        if type_of_target(y) == "unknown":
            raise ValueError(f"Unknown label type for y: {y!r}")
        self.target_ndim_ = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _decode(self, outputs: np.ndarray) -> np.ndarray:
        """Converts outputs of the model to predicted targets."""
        if self.target_ndim_ == 1 and outputs.ndim == 2:
            return np.squeeze(outputs, axis=1)
        return outputs

    # ------------------------------------------------------- the protocol of scikit-learn, copies

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn before 1.6
        return {"non_deterministic": True, "poor_score": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Self:
        """Returns an estimator with equal arguments that is not fitted."""
        arguments = self.get_params(deep=False)
        if isinstance(self.model, Model) and self.warm_start:  # `fit` would train the same model
            arguments["model"] = clone_model(self.model)
            arguments["model"].set_weights(self.model.get_weights())
        return type(self)(**arguments)


class SKLearnClassifier(ClassifierMixin, ModelEstimator):  # type: ignore[misc]
    """A classifier of scikit-learn that trains a model on one-hot targets.

    Args:
        model: a compiled model, or a function of `(X, y, **model_kwargs)` that returns one. Each
            `fit` trains a copy of a given model, with new weights.
        warm_start: whether `fit` continues from the weights of the previous `fit`. The first `fit`
            then trains the given model itself instead of a copy.
        model_kwargs: keyword arguments for `model`, if it is a function.
        fit_kwargs: keyword arguments for `model.fit`. Arguments that are passed to the estimator's
            `fit` override them.

    Attributes:
        model_: the fitted model.
        history_: the History of the last `fit`.
        classes_: the labels, sorted.

    Raises:
        ImportError: scikit-learn is not installed.

    Extensions: `warm_start` has an effect, and `sklearn.base.clone` keeps `fit_kwargs`. A fitted
    estimator can be pickled.

    Example:

    >>> import cornu as keras
    >>> def make(X, y, units=8):
    ...     model = keras.Sequential(
    ...         [
    ...             keras.Input(X.shape[1:]),
    ...             keras.layers.Dense(units, "relu"),
    ...             keras.layers.Dense(y.shape[1], "softmax"),
    ...         ]
    ...     )
    ...     model.compile("adam", "categorical_crossentropy")
    ...     return model
    >>> classifier = SKLearnClassifier(make, model_kwargs={"units": 4}, fit_kwargs={"verbose": 0})
    >>> x = [[0.0, 1.0], [1.0, 0.0], [0.0, 2.0], [2.0, 0.0]]
    >>> classifier = classifier.fit(x, ["up", "down", "up", "down"], epochs=2)
    >>> classifier.classes_.tolist(), classifier.decision_function(x).shape
    (['down', 'up'], (4, 2))
    """

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Returns the outputs of the model for each row of an array (samples, features).

        Args:
            X: an array (samples, features).

        Raises:
            sklearn.exceptions.NotFittedError: `fit` was not called.
        """
        return self._run(X)

    def _fit_targets(self, y: np.ndarray) -> np.ndarray:
        from sklearn.utils.multiclass import type_of_target

        kind = type_of_target(y)
        if kind == "unknown":
            raise ValueError(f"Unknown label type for y: {y!r}")
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"Only binary and multiclass target types are supported. Target type: {kind}"
            )
        self.target_ndim_ = y.ndim
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError("Classifier can't train when only one class is present.")
        return np.eye(len(self.classes_))[indices.reshape(-1)]

    def _decode(self, outputs: np.ndarray) -> np.ndarray:
        labels: np.ndarray = self.classes_[np.argmax(outputs, axis=1)]
        return labels if self.target_ndim_ == 1 else labels[:, None]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, ModelEstimator):  # type: ignore[misc]
    """A regressor of scikit-learn that trains a model on numbers.

    Args:
        model, warm_start, model_kwargs, fit_kwargs: see `SKLearnClassifier`.

    Attributes:
        model_: the fitted model.
        history_: the History of the last `fit`.

    Raises:
        ImportError: scikit-learn is not installed.

    Extensions: see `SKLearnClassifier`.

    Example:

    >>> import cornu as keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.1), "mse")
    >>> regressor = SKLearnRegressor(model, fit_kwargs={"epochs": 100, "verbose": 0})
    >>> regressor = regressor.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> regressor.predict([[3.0]]).round(1).tolist()
    [7.0]
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, ModelEstimator):  # type: ignore[misc]
    """A transformer of scikit-learn: a step of a pipeline whose output is that of a model.

    Args:
        model, warm_start, model_kwargs, fit_kwargs: see `SKLearnClassifier`.

    Attributes:
        model_: the fitted model.
        history_: the History of the last `fit`.

    Raises:
        ImportError: scikit-learn is not installed.

    Extensions: see `SKLearnClassifier`.

    Example:

    >>> import cornu as keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> transformer = SKLearnTransformer(model, fit_kwargs={"verbose": 0})
    >>> transformer.fit_transform([[0.0, 1.0], [1.0, 0.0]], [1.0, 2.0]).shape
    (2, 1)
    """

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Returns the outputs of the model for an array (samples, features).

        Args:
            X: an array (samples, features).

        Raises:
            sklearn.exceptions.NotFittedError: `fit` was not called.
        """
        return self._run(X)

    def _more_tags(self) -> dict[str, Any]:
        return {**super()._more_tags(), "preserves_dtype": []}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _validate(estimator: Any, *arrays: Any, reset: bool = True) -> Any:
    """Returns arrays of numbers, checked as scikit-learn checks them."""
    from sklearn.utils import validation

    if hasattr(validation, "validate_data"):  # scikit-learn 1.6 and later
        return validation.validate_data(estimator, *arrays, reset=reset)
    return estimator._validate_data(*arrays, reset=reset)
