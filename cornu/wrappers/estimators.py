"""Estimators of scikit-learn that train and call a model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

from cornu.callbacks import History
from cornu.errors import missing_package
from cornu.models import Model, clone_model, load_model
from cornu.types import ArrayLike

try:
    import sklearn
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
except ImportError:
    # The classes exist nevertheless, and their constructor says what to install.
    sklearn = None

    class BaseEstimator:  # type: ignore[no-redef]
        """Stands for the class of scikit-learn."""

    class ClassifierMixin:  # type: ignore[no-redef]
        """Stands for the class of scikit-learn."""

    class RegressorMixin:  # type: ignore[no-redef]
        """Stands for the class of scikit-learn."""

    class TransformerMixin:  # type: ignore[no-redef]
        """Stands for the class of scikit-learn."""


__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class ModelEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base class of the estimators: trains a model of its own on arrays.

    Args:
        model: a compiled model, or a function of `(X, y, **model_kwargs)` that returns one. Of a
            model, each `fit` trains a new copy with new weights, which `model_` holds.
        warm_start: whether `fit` goes on with the weights of the `fit` before. The first one then
            trains the given model itself.
        model_kwargs: keyword arguments for `model`, if it is a function.
        fit_kwargs: keyword arguments for `model.fit`. Those of the estimator's `fit` come first.

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

        Raises:
            ValueError: the arrays do not suit an estimator of this kind.
            RuntimeError: the model is not compiled.
        """
        x, targets = _validate(self, X, y)
        encoded = self._fit_targets(targets)
        model = self._make_model(x, encoded)
        if not model.compiled or model.loss is None or model.optimizer is None:
            raise RuntimeError(
                f"{type(self).__name__}: the model must be compiled, with a loss and an "
                "optimizer.\nCall model.compile(optimizer, loss) before."
            )
        self.history_ = model.fit(x, encoded, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def predict(self, X: ArrayLike) -> Any:
        """Returns the prediction for each row of an array (samples, features)."""
        return self._decode(self._run(X))

    def set_fit_request(self, **kwargs: Any) -> Self:
        """Sets which metadata scikit-learn passes to `fit` (metadata routing).

        Args:
            **kwargs: True, False, None or an alias, by the name of an argument of `fit`.

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

    def _run(self, X: ArrayLike) -> Any:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self.model_.predict(_validate(self, X, reset=False))

    def _fit_targets(self, y: np.ndarray) -> np.ndarray:
        """Remembers the kind of targets, and returns them as the model is trained with them."""
        from sklearn.utils.multiclass import type_of_target

        if type_of_target(y) == "unknown":
            raise ValueError(f"Unknown label type for y: {y!r}")
        self.target_ndim_ = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _decode(self, outputs: Any) -> Any:
        """Converts outputs of the model to targets."""
        if self.target_ndim_ == 1 and outputs.ndim == 2:
            return np.squeeze(outputs, axis=1)
        return outputs

    # --------------------------------------------------------------- what scikit-learn asks for

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn before 1.6
        return {"non_deterministic": True, "poor_score": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Self:
        """Returns an estimator with equal arguments that is not fitted."""
        arguments = self.get_params(deep=False)
        if isinstance(self.model, Model) and self.warm_start:  # which `fit` trains in place
            arguments["model"] = clone_model(self.model)
            arguments["model"].set_weights(self.model.get_weights())
        return type(self)(**arguments)

    def __getstate__(self) -> dict[str, Any]:
        # A pickle contains a model as the bytes of its `.keras` file, and the logs of a History
        # without its model.
        return {name: _freeze(value) for name, value in super().__getstate__().items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({name: _thaw(value) for name, value in state.items()})


class SKLearnClassifier(ClassifierMixin, ModelEstimator):  # type: ignore[misc]
    """A classifier of scikit-learn that trains a model on one-hot targets.

    Args:
        model: a compiled model, or a function of `(X, y, **model_kwargs)` that returns one. Of a
            model, each `fit` trains a new copy with new weights, which `model_` holds.
        warm_start: whether `fit` goes on with the weights of the `fit` before. The first one then
            trains the given model itself.
        model_kwargs: keyword arguments for `model`, if it is a function.
        fit_kwargs: keyword arguments for `model.fit`. Those of the estimator's `fit` come first.

    Attributes:
        model_: the fitted model.
        history_: the History of the last `fit`.
        classes_: the labels, sorted.

    Differences: `warm_start` has an effect, and `sklearn.base.clone` keeps `fit_kwargs`. A fitted
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

    def decision_function(self, X: ArrayLike) -> Any:
        """Returns the outputs of the model for each row of an array (samples, features)."""
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

    def _decode(self, outputs: Any) -> Any:
        labels = self.classes_[np.argmax(outputs, axis=1)]
        return labels if self.target_ndim_ == 1 else labels[:, None]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, ModelEstimator):  # type: ignore[misc]
    """A regressor of scikit-learn that trains a model.

    Args:
        model: a compiled model, or a function of `(X, y, **model_kwargs)` that returns one. Of a
            model, each `fit` trains a new copy with new weights, which `model_` holds.
        warm_start: whether `fit` goes on with the weights of the `fit` before. The first one then
            trains the given model itself.
        model_kwargs: keyword arguments for `model`, if it is a function.
        fit_kwargs: keyword arguments for `model.fit`. Those of the estimator's `fit` come first.

    Attributes:
        model_: the fitted model.
        history_: the History of the last `fit`.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, ModelEstimator):  # type: ignore[misc]
    """A transformer of scikit-learn: a step of a pipeline whose output is that of a model.

    Args:
        model: a compiled model, or a function of `(X, y, **model_kwargs)` that returns one. Of a
            model, each `fit` trains a new copy with new weights, which `model_` holds.
        warm_start: whether `fit` goes on with the weights of the `fit` before. The first one then
            trains the given model itself.
        model_kwargs: keyword arguments for `model`, if it is a function.
        fit_kwargs: keyword arguments for `model.fit`. Those of the estimator's `fit` come first.

    Attributes:
        model_: the fitted model.
        history_: the History of the last `fit`.
    """

    def transform(self, X: ArrayLike) -> Any:
        """Returns the outputs of the model for an array (samples, features)."""
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


class _FrozenModel:
    """A model as the bytes of its file."""

    def __init__(self, model: Model) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.keras")
            model.save(path)
            self.content = path.read_bytes()

    def thaw(self) -> Model:
        """Returns the model."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.keras")
            Path(path).write_bytes(self.content)
            model: Model = load_model(path)
            return model


def _freeze(value: Any) -> Any:
    if isinstance(value, Model):
        return _FrozenModel(value)
    if isinstance(value, History):
        logs = History()
        logs.history, logs.epoch = value.history, value.epoch
        return logs
    return value


def _thaw(value: Any) -> Any:
    return value.thaw() if isinstance(value, _FrozenModel) else value
