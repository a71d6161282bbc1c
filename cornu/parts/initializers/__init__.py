"""Initializers: functions that compute the initial values of Variables, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from cornu import names, registry
from cornu.core.tracebacks.api_boundary import api_boundary as _api_boundary
from cornu.parts.initializers.base import Initializer
from cornu.parts.initializers.constant import Constant, Identity, Ones, Zeros
from cornu.parts.initializers.fourier import STFT
from cornu.parts.initializers.random import (
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from cornu.parts.initializers.scaled import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)
from cornu.types import InitializerLike

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
stft = STFTInitializer = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

# Each initializer is registered by its class name and in snake case. These have a further name from
# earlier versions of Keras.
_OLDER_NAMES = {
    Identity: "IdentityInitializer",
    Ones: "one",
    Orthogonal: "OrthogonalInitializer",
    RandomNormal: "normal",
    RandomUniform: "uniform",
    STFT: "STFTInitializer",
    Zeros: "zero",
}
for _cls in (
    *(Constant, Identity, Ones, Orthogonal, RandomNormal, RandomUniform, STFT, TruncatedNormal),
    *(GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform),
    *(VarianceScaling, Zeros),
):
    registry.add_class("initializers", _cls, names.snake_case(_cls.__name__))
    if _cls in _OLDER_NAMES:
        registry.add_class("initializers", _cls, _OLDER_NAMES[_cls])


@_api_boundary
def get(identifier: InitializerLike | None) -> Any:
    """Returns an initializer from a name, a config, an array or a callable; None for None.

    Args:
        identifier: a name such as `"he_normal"`, which gives an object with default arguments; what
            `serialize` returned; a class; an array of values; or an object or function, which is
            returned unchanged.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> type(get("he_normal")).__name__
    'HeNormal'
    """
    if isinstance(identifier, (np.ndarray, np.generic, jax.Array)):
        return Constant(identifier)
    return registry.resolve("initializers", identifier)


@_api_boundary
def serialize(initializer: Callable[..., Any]) -> Any:
    """Returns the config of an initializer.

    Args:
        initializer: an initializer, an object or a function.

    Example:

    >>> config = serialize(get("he_normal"))
    >>> config["class_name"], type(deserialize(config)).__name__
    ('HeNormal', 'HeNormal')
    """
    return registry.serialize(initializer)


@_api_boundary
def deserialize(config: InitializerLike, custom_objects: dict[str, Any] | None = None) -> Any:
    """Creates an initializer from a config that `serialize` returned.

    Args:
        config: the name or config.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> import cornu
    >>> config = cornu.initializers.serialize(cornu.initializers.Constant(2.0))
    >>> cornu.initializers.deserialize(config).value
    2.0
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)
