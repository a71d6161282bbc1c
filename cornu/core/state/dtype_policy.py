"""Dtype policies: the dtypes of a layer's computation and of its Variables."""

from __future__ import annotations

from cornu import settings
from cornu.core.state.dtypes import enable_64_bits, standardize_dtype
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
        """None: quantized layers wrap other layers, and have a policy of their own."""
        return None

    def get_config(self) -> Config:
        """Returns the name. Keras accepts nothing else in the config of a policy."""
        return {"name": self._name}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


# Keras has a subclass of this name that adds nothing; configs may name it.
add_class("dtype_policies", DTypePolicy, "FloatDTypePolicy")


def dtype_policy() -> DTypePolicy:
    """Returns the policy of layers that are created without a `dtype` argument."""
    policy: DTypePolicy | None = settings.get("dtype_policy")
    return DTypePolicy(settings.get("floatx")) if policy is None else policy


@api_boundary
def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Sets the policy of layers that are created afterwards without a `dtype` argument."""
    settings.put("dtype_policy", get_policy(policy))


@api_boundary
def set_floatx(value: str) -> None:
    """Sets the process-wide float type. `"float64"` also enables the 64-bit types of JAX."""
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
        return DTypePolicy(identifier["config"]["name"])
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    if keras_class(identifier) is not None:
        return DTypePolicy(identifier.name)  # a policy of Keras
    return DTypePolicy(standardize_dtype(identifier))
