"""Activation functions, and their lookup by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from cornu import ops, registry
from cornu.core.graph.op import op
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from cornu.ops.arguments import to_array, to_float, to_operand
from cornu.ops.nn.stored_derivative import apply_with_stored_derivative
from cornu.types import ActivationLike, Array, ArrayLike

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
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
    "serialize",
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


@op
def linear(x: ArrayLike) -> Array:
    """Returns `x` unchanged (the identity function).

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.activations.linear([-1.0, 2.0]).tolist()
    [-1.0, 2.0]
    """
    return to_operand(x)


@op
def relu(
    x: ArrayLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    """Computes `max(x, 0)`, or a variant with a slope, a maximum and a threshold.

        x >= max_value:              max_value
        threshold < x < max_value:   x
        x <= threshold:              negative_slope * (x - threshold)

    Args:
        x: an array.
        negative_slope: the slope below the threshold.
        max_value: the maximum of the result; unlimited if `None`.
        threshold: elements below it are scaled by `negative_slope`.

    Example:

    >>> relu(jnp.array([-2.0, 3.0, 9.0]), negative_slope=0.25, max_value=6.0).tolist()
    [-0.5, 3.0, 6.0]
    """
    plain = threshold == 0 and negative_slope == 0 and max_value is None
    x = to_array(x) if plain else to_float(x)
    if threshold == 0 and negative_slope == 0:
        y = ops.relu(x)  # its gradient at 0 is 0
    else:
        y = jnp.where(x > threshold, x, negative_slope * (x - threshold)).astype(x.dtype)
    return y if max_value is None else jnp.minimum(y, jnp.asarray(max_value, y.dtype))


@op
def gelu(x: ArrayLike, approximate: bool = False) -> Array:
    """Computes `x * P(X <= x)` for a standard normal `X`.

    Args:
        x: an array.
        approximate: whether to use the tanh approximation.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.gelu([-1.0, 2.0])).round(3))
    [-0.159  1.954]

    Note: `cornu.ops.gelu` uses the approximation by default, as in Keras.

    References: Dan Hendrycks, Kevin Gimpel (2016), "Gaussian Error Linear Units", arXiv:1606.08415.
    """
    return apply_with_stored_derivative(jax.nn.gelu, to_float(x), approximate)


@op
def exponential(x: ArrayLike) -> Array:
    """Computes `exp(x)`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.exponential([0.0, 1.0])).round(3))
    [1.    2.718]
    """
    return jnp.exp(to_operand(x))


@op
def mish(x: ArrayLike) -> Array:
    """Computes `x * tanh(softplus(x))`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.mish([-1.0, 2.0])).round(3))
    [-0.303  1.944]

    References: Diganta Misra (2019), "Mish: A Self Regularized Non-Monotonic Activation Function",
    arXiv:1908.08681.
    """
    return apply_with_stored_derivative(jax.nn.mish, to_operand(x))


# The same function, so that it is saved under a single name.
hard_swish = hard_silu
swish = silu

for _name in __all__:
    if _name not in ("deserialize", "get", "serialize"):
        registry.add_function("activations", globals()[_name], _name)


@api_boundary
def get(identifier: ActivationLike | None) -> Any:
    """Returns an activation from a name, a config or a callable; `linear` for `None`.

    Args:
        identifier: a name such as `"relu"`, what `serialize` returned, or a function, which is
            returned unchanged.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> get("relu") is relu, get(None) is linear
    (True, True)
    """
    return linear if identifier is None else registry.resolve("activations", identifier)


@api_boundary
def serialize(activation: Callable[..., Any]) -> Any:
    """Returns the name of an activation, or its config if it is not a registered function.

    Args:
        activation: an activation, an object or a function.

    Example:

    >>> serialize(relu)
    'relu'
    """
    described = registry.serialize(activation)
    is_name = isinstance(described, dict) and described["class_name"] == "function"
    return described["config"] if is_name else described


@api_boundary
def deserialize(config: ActivationLike, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the activation for a name or config that `serialize` returned.

    Args:
        config: the name or config.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> import cornu
    >>> cornu.activations.deserialize("relu") is cornu.activations.relu
    True
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)
