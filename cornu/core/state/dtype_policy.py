"""Dtype policies: the dtypes of a layer's computation and of its Variables."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import registry, settings
from cornu.core.graph.op import TensorBase, VariableBase, find_op
from cornu.core.state.dtypes import enable_64_bits, is_float, standardize_dtype
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest
from cornu.foreign import keras_class
from cornu.registry import Configurable, add_class
from cornu.types import Config, DTypeLike

__all__ = ["DTypePolicy", "dtype_policy", "get_policy", "set_dtype_policy", "set_floatx"]


class DTypePolicy(Configurable):
    """The dtypes of a layer's computation and of its Variables.

    Args:
        name: a dtype such as `"float32"` or `"bfloat16"` for both; or `"mixed_bfloat16"` or
            `"mixed_float16"` for computations in 16 bits and Variables in float32. The default is
            the process-wide policy.
        source_name: must be None; configs of Keras may contain it.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> DTypePolicy("mixed_bfloat16").compute_dtype
    'bfloat16'
    """

    _category_ = "dtype_policies"

    def __init__(self, name: str | None = None, source_name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(f"The name of a dtype policy must be a string. Received: {name!r}")
        if name.startswith("mixed_"):
            short = name.removeprefix("mixed_")
            if short not in ("float16", "bfloat16"):
                raise ValueError(
                    f"Unknown dtype policy {name!r}. "
                    f"{suggest(name, ('mixed_bfloat16', 'mixed_float16'))}"
                )
            self._compute, self._variable = short, "float32"
        else:
            self._compute = self._variable = standardize_dtype(name)
        self._name = name

    @property
    def name(self) -> str:
        """The name of the policy."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of computations and of the outputs of a layer."""
        return self._compute

    @property
    def variable_dtype(self) -> str:
        """The dtype of Variables."""
        return self._variable

    @property
    def quantization_mode(self) -> str | None:
        """The quantization mode of a quantized layer; None for other layers."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: DTypeLike) -> Any:
        """Returns an input of a layer, as an array or Tensor, cast to a dtype if it has floats.

        Args:
            x: an array, a Variable or a symbolic Tensor; other values are returned unchanged.
            autocast: whether floats are cast.
            dtype: the dtype.
        """
        if not (isinstance(x, (TensorBase, VariableBase)) or hasattr(x, "__array__")):
            return x
        if not isinstance(x, (TensorBase, jax.Array)):
            x = jnp.asarray(x)
        name = standardize_dtype(dtype)
        is_cast = autocast and is_float(str(x.dtype)) and str(x.dtype) != name
        return find_op("cast")(x, name) if is_cast else x

    def _public_name_(self) -> tuple[str, str]:
        """Returns the module and class name by which a config refers to the class."""
        # The only address that Keras accepts in a config.
        return ("keras", "DTypePolicy") if type(self) is DTypePolicy else super()._public_name_()

    def _policy_for_(self, path: str) -> DTypePolicy:
        """Returns the policy of the layer with a path: this one, unless it is a map of policies."""
        return self

    def get_config(self) -> Config:
        """Returns the name. Keras accepts nothing else in the config of a policy."""
        return {"name": self._name}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self._name}">'


# Keras has a subclass of this name that adds nothing; configs may name it.
add_class("dtype_policies", DTypePolicy, "FloatDTypePolicy")


def dtype_policy() -> DTypePolicy:
    """Returns the policy of layers that are created without a `dtype` argument.

    Example:

    >>> import cornu
    >>> cornu.config.dtype_policy().name
    'float32'
    """
    policy: DTypePolicy | None = settings.get("dtype_policy")
    return DTypePolicy(settings.get("floatx")) if policy is None else policy


@api_boundary
def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Sets the policy of layers that are created afterwards without a `dtype` argument.

    Args:
        policy: a policy or its name, such as `"mixed_bfloat16"`.

    Example:

    >>> import cornu
    >>> cornu.config.set_dtype_policy("mixed_bfloat16")
    >>> cornu.layers.Dense(1).compute_dtype
    'bfloat16'
    >>> cornu.config.set_dtype_policy("float32")
    """
    settings.put("dtype_policy", get_policy(policy))


@api_boundary
def set_floatx(value: str) -> None:
    """Sets the process-wide float type. `"float64"` also enables the 64-bit types of JAX.

    Args:
        value: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"`.

    Example:

    >>> import cornu
    >>> cornu.backend.set_floatx("float16")
    >>> cornu.backend.floatx()
    'float16'
    >>> cornu.backend.set_floatx("float32")
    """
    settings.put("floatx", value)
    if value == "float64":
        enable_64_bits()


def get_policy(
    identifier: DTypeLike | DTypePolicy | Config | None,
) -> DTypePolicy:
    """Returns the policy for a name, dtype, config or policy; for None the process-wide one."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        policy: DTypePolicy = registry.resolve("dtype_policies", identifier)
        return policy
    if isinstance(identifier, str):
        return _policy_by_name(identifier)
    if keras_class(identifier) is not None:
        return _policy_by_name(identifier.name)  # a policy of Keras
    return DTypePolicy(standardize_dtype(identifier))


def _policy_by_name(name: str) -> DTypePolicy:
    mode, is_quantized, source = name.partition("_from_")
    if not is_quantized:
        return DTypePolicy(name)
    base, has_numbers, _ = mode.partition("/")
    # The classes are found by name, because most programs do not need their module.
    found = {"float8": "QuantizedFloat8", "gptq": "GPTQ", "awq": "AWQ"}.get(base, "Quantized")
    if base == "int4" and has_numbers:
        found = "Int4"
    policy: DTypePolicy = registry.find("dtype_policies", f"{found}DTypePolicy")(mode, source)
    return policy
