"""`keras.wrappers.scikit_learn`: models as estimators with `fit`, `predict` and `score`."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.dialects.common_utils import has_arg, to_categorical
from cornu.models.training_methods import TrainingMethods

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]

_METHODS = ("fit", "predict", "predict_classes", "evaluate")


class BaseWrapper:
    """The base class of both wrappers.

    Args:
        build_fn: a function or callable object that returns a compiled model. By default the
            method `__call__` of a subclass.
        **sk_params: arguments of `build_fn` and of `fit` and `predict`.
    """

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any) -> None:
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.model: Any = None
        self.check_params(sk_params)

    def _builder(self) -> Callable[..., Any]:
        if self.build_fn is None:
            call: Callable[..., Any] = getattr(self, "__call__")  # noqa: B004, B009  # of a subclass
            return call
        return self.build_fn

    def check_params(self, params: dict[str, Any]) -> None:
        """Raises if an argument is none of `build_fn`, `fit` and `predict`.

        Raises:
            ValueError: there is such an argument.
        """
        known = [inspect.signature(self._builder())]
        known += [inspect.signature(getattr(TrainingMethods, name, _classes)) for name in _METHODS]
        for name in params:
            accepted = name == "nb_epoch" or any(name in one.parameters for one in known)
            if not accepted:
                raise ValueError(f"{name!r} is not an argument of build_fn, fit or predict.")

    def get_params(self, deep: bool = True, **params: Any) -> dict[str, Any]:
        """Returns the arguments of the wrapper."""
        return {**copy.deepcopy(self.sk_params), "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Any:
        """Changes arguments of the wrapper."""
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Creates the model and trains it; returns the History."""
        builder = self._builder()
        self.model = builder(**self.filter_sk_params(builder))
        loss = self.model.loss
        name = getattr(loss, "name", loss)
        if name == "categorical_crossentropy" and np.ndim(y) != 2:
            y = to_categorical(y)
        given = copy.deepcopy(self.filter_sk_params(type(self.model).fit)) | kwargs
        return self.model.fit(x, y, **given)

    def filter_sk_params(
        self, fn: Callable[..., Any], override: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Returns the arguments of the wrapper that a function has, with some replaced."""
        given = {name: value for name, value in self.sk_params.items() if has_arg(fn, name)}
        return given | (override or {})

    def __sklearn_clone__(self) -> Any:
        return type(self)(**self.get_params())


def _classes(self: Any, x: Any, batch_size: int = 32, verbose: int = 0) -> None:
    """Has the signature of `predict_classes`."""


def _sklearn_tags(kind: str) -> Any:
    """Returns the tags that scikit-learn asks an estimator for since 1.6."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    mixin = {"classifier": ClassifierMixin, "regressor": RegressorMixin}[kind]
    return type("Tagged", (mixin, BaseEstimator), {})().__sklearn_tags__()


class KerasClassifier(BaseWrapper):
    """A model as a classifier."""

    _estimator_type = "classifier"

    def __sklearn_tags__(self) -> Any:
        return _sklearn_tags("classifier")

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Creates the model and trains it; labels may be of any type."""
        y = np.array(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        else:
            raise ValueError(f"y must have one or two axes. Received shape: {y.shape}")
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        return super().fit(x, y, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Returns the most probable class of each row."""
        given = self.filter_sk_params(_classes, kwargs)
        classes: np.ndarray = self.classes_[self.model.predict_classes(x, **given)]
        return classes

    def predict_proba(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Returns the probability of each class; of both classes if there is one output."""
        given = self.filter_sk_params(_classes, kwargs)
        found: np.ndarray = self.model.predict(x, **given)
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Returns the accuracy.

        Raises:
            ValueError: the model was compiled without accuracy.
        """
        y = np.searchsorted(self.classes_, y)
        loss = self.model.loss
        if getattr(loss, "name", loss) == "categorical_crossentropy" and y.ndim != 2:
            y = to_categorical(y)
        given = self.filter_sk_params(type(self.model).evaluate, {"verbose": 0, **kwargs})
        values = self.model.evaluate(x, y, **given)
        found = dict(zip(self.model.metrics_names, np.atleast_1d(values), strict=True))
        for name in ("acc", "accuracy"):
            if name in found:
                return float(found[name])
        raise ValueError("The model has no accuracy: pass metrics=['accuracy'] to compile.")


class KerasRegressor(BaseWrapper):
    """A model as a regressor."""

    _estimator_type = "regressor"

    def __sklearn_tags__(self) -> Any:
        return _sklearn_tags("regressor")

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Returns the predictions, without an axis of size 1."""
        found: np.ndarray = self.model.predict(x, **self.filter_sk_params(_classes, kwargs))
        return np.squeeze(found, axis=-1)

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Returns minus the loss."""
        given = self.filter_sk_params(type(self.model).evaluate, {"verbose": 0, **kwargs})
        loss = self.model.evaluate(x, y, **given)
        return -float(loss[0] if isinstance(loss, list) else loss)
