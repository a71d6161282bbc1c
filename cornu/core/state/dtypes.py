"""Names of dtypes, and dtype policies: the dtypes of computation and of Variables."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest
from cornu.registry import Configurable
from cornu.types import DTypeLike

__all__ = [
    "DTypePolicy",
    "dtype_policy",
    "get_policy",
    "is_float",
    "set_dtype_policy",
    "set_floatx",
    "standardize_dtype",
]

_DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64 "
    "complex64 complex128 float8_e4m3fn float8_e5m2"
).split()
_PYTHON: dict[object, str] = {bool: "bool", int: "int32", float: "float32", complex: "complex64"}
_FLOATS = frozenset(("bfloat16", "float16", "float32", "float64"))


def standardize_dtype(dtype: DTypeLike | None) -> str:
    """Returns the name of a dtype; `None` means the process-wide float type.

    Example:

    >>> standardize_dtype(np.dtype("int8")), standardize_dtype(None)
    ('int8', 'float32')
    """
    if dtype is None:
        floatx: str = settings.get("floatx")
        return floatx
    if isinstance(dtype, str):
        name = dtype
    elif dtype in _PYTHON:
        name = _PYTHON[dtype]
    else:
        try:
            name = jnp.dtype(dtype).name
        except TypeError:
            name = str(dtype).rpartition(".")[2]  # torch.float32 and the like
    if name in ("int", "float"):
        name = "int32" if name == "int" else settings.get("floatx")
    if name not in _DTYPES:
        raise ValueError(f"Unknown dtype {dtype!r}. {suggest(name, _DTYPES)}")
    if name == "float64":
        _allow_64_bits()
    return name


def _allow_64_bits() -> None:
    # JAX silently converts float64 to float32 unless this process-wide option is on. A dtype that
    # is named explicitly is taken literally.
    if not jax.config.read("jax_enable_x64"):
        jax.config.update("jax_enable_x64", True)


def is_float(dtype: DTypeLike) -> bool:
    """Tells whether a dtype is a real floating-point type, which autocasting applies to."""
    return np.dtype(dtype).name in _FLOATS


class DTypePolicy(Configurable):
    """The dtypes of a layer's computation and of its Variables.

    Args:
        name: a float type (`"float32"`, `"bfloat16"`, `"float16"`, `"float64"`) for both, or
            `"mixed_bfloat16"` / `"mixed_float16"`: computation in 16 bits, Variables in float32.

    Example:

    >>> DTypePolicy("mixed_bfloat16").compute_dtype
    'bfloat16'
    """

    category = "dtype_policies"

    def __init__(self, name: str = "float32", source_name: str | None = None) -> None:
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
        """The dtype of computations and of a layer's output."""
        return self._compute

    @property
    def variable_dtype(self) -> str:
        """The dtype of Variables."""
        return self._variable

    @property
    def quantization_mode(self) -> str | None:
        """None: quantized layers wrap others and have policies of their own."""
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


def dtype_policy() -> DTypePolicy:
    """Returns the policy of layers that are created without a `dtype`."""
    policy: DTypePolicy | None = settings.get("dtype_policy")
    return DTypePolicy(settings.get("floatx")) if policy is None else policy


@api_boundary
def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Sets the policy of layers that are created later without a `dtype`."""
    settings.put("dtype_policy", get_policy(policy))


@api_boundary
def set_floatx(value: str) -> None:
    """Sets the process-wide float type (`"float64"` also switches JAX to 64 bits)."""
    settings.put("floatx", value)
    if value == "float64":
        _allow_64_bits()


def get_policy(
    identifier: DTypeLike | DTypePolicy | dict[str, Any] | None,
) -> DTypePolicy:
    """Returns the policy for a name, dtype, config or policy; None means the process-wide one."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy(identifier["config"]["name"])
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    return DTypePolicy(standardize_dtype(identifier))
