"""Type aliases of public signatures.

Aliases that end in `Like` describe what a function accepts: `ArrayLike` for data, `ShapeLike` and
`DTypeLike` for constructor arguments, `ActivationLike` for anything that `activations.get`
resolves. The others describe what functions return and what attributes hold.

Sets of names that are closed (`DataFormat`, `Padding`, `Reduction`) are unions of string
literals, so that a type checker finds misspelled ones. Names in the registry are an open set,
because programs register names of their own: `ActivationLike` and its siblings accept every
string, and list the built-in names for completion in editors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import jax
import numpy as np

__all__ = [
    "ActivationLike",
    "ActivationName",
    "Array",
    "ArrayLike",
    "Axes",
    "Batch",
    "Config",
    "ConstraintLike",
    "ConstraintName",
    "DTypeLike",
    "DataFormat",
    "DataLike",
    "GradientTransformation",
    "InitializerLike",
    "InitializerName",
    "Logs",
    "LossLike",
    "LossName",
    "MetricLike",
    "MetricName",
    "OptimizerLike",
    "OptimizerName",
    "Padding",
    "PyTree",
    "Reduction",
    "RegularizerLike",
    "RegularizerName",
    "Shape",
    "ShapeLike",
    "SupportsApply",
    "SupportsArray",
]


class SupportsArray(Protocol):
    """An object that stands for an array: a Variable, a symbolic Tensor, a tensor of PyTorch."""

    @property
    def shape(self) -> Any: ...

    @property
    def dtype(self) -> Any: ...


class SupportsApply(Protocol):
    """An optimizer: `cornu.optimizers.Optimizer`, which this module must not import."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any: ...


class GradientTransformation(Protocol):
    """A transformation of Optax: a pair of functions."""

    @property
    def init(self) -> Callable[..., Any]: ...

    @property
    def update(self) -> Callable[..., Any]: ...


# Functions that return an array for arrays return a Tensor for symbolic Tensors. Their return type
# is `Array` all the same: a Tensor has the attributes and operators of an array, and one overload
# for each of the two would double several hundred signatures.
Array: TypeAlias = jax.Array
ArrayLike: TypeAlias = (
    jax.Array
    | np.ndarray
    | np.generic
    | bool
    | int
    | float
    | complex
    | Sequence[Any]
    | SupportsArray
)

# None is an axis whose size is unknown until data arrives.
Shape: TypeAlias = tuple[int | None, ...]
ShapeLike: TypeAlias = Sequence[int | None]
DTypeLike: TypeAlias = str | np.dtype[Any] | type[Any]
# One axis, several, or all (None).
Axes: TypeAlias = int | Sequence[int] | None

# Nested lists, tuples and dicts. Its leaves differ from use to use, which the type system cannot
# express.
PyTree: TypeAlias = Any
# What `fit` takes as x, y and sample_weight: nested arrays, frames, datasets and loaders of other
# libraries, iterables of batches. The types of optional packages cannot be named here.
DataLike: TypeAlias = Any
# A batch (x, y, sample_weight), with None for what was not given.
Batch: TypeAlias = tuple[PyTree, PyTree, PyTree]
# Metrics by name, as callbacks receive them: a mapping, or None. Type checkers infer the type of an
# unannotated parameter of an override from here, and users read `logs["loss"]` without a check.
Logs: TypeAlias = Any
# Constructor arguments as plain data, as `get_config` returns them.
Config: TypeAlias = dict[str, Any]

DataFormat: TypeAlias = Literal["channels_first", "channels_last"]
Padding: TypeAlias = Literal["valid", "same"]
Reduction: TypeAlias = Literal[
    "sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"
]

# The names below are those in the registry; tests/test_types.py compares them.
ActivationName: TypeAlias = Literal[
    "celu",
    "elu",
    "exponential",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
InitializerName: TypeAlias = Literal[
    "constant",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "one",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "stft",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "zero",
    "zeros",
]
RegularizerName: TypeAlias = Literal["l1", "l1_l2", "l1l2", "l2", "orthogonal_regularizer"]
ConstraintName: TypeAlias = Literal["max_norm", "min_max_norm", "non_neg", "unit_norm"]
LossName: TypeAlias = Literal[
    "bce",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "dice",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "log_cosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
MetricName: TypeAlias = Literal[
    "acc",
    "accuracy",
    "auc",
    "bce",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_io_u",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_hinge",
    "ce",
    "concordance_correlation",
    "cosine_similarity",
    "crossentropy",
    "f1_score",
    "f_beta_score",
    "false_negatives",
    "false_positives",
    "hinge",
    "kl_divergence",
    "log_cosh_error",
    "mae",
    "mape",
    "mean",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "pearson_correlation",
    "poisson",
    "precision",
    "r2_score",
    "recall",
    "root_mean_squared_error",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "sum",
    "top_k_categorical_accuracy",
    "true_negatives",
    "true_positives",
]
OptimizerName: TypeAlias = Literal[
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "ftrl",
    "lamb",
    "lion",
    "muon",
    "nadam",
    "rmsprop",
    "schedulefreeadamw",
    "sgd",
]

# A name, a config, a class to be made with its defaults (which is callable), or an object.
ActivationLike: TypeAlias = ActivationName | str | Config | Callable[..., Any]
InitializerLike: TypeAlias = (
    InitializerName | str | Config | Callable[..., Any] | jax.Array | np.ndarray
)
RegularizerLike: TypeAlias = RegularizerName | str | Config | Callable[..., Any]
ConstraintLike: TypeAlias = ConstraintName | str | Config | Callable[..., Any]
LossLike: TypeAlias = LossName | str | Config | Callable[..., Any]
MetricLike: TypeAlias = MetricName | str | Config | Callable[..., Any]
OptimizerLike: TypeAlias = (
    OptimizerName | str | Config | SupportsApply | GradientTransformation | type[Any]
)
