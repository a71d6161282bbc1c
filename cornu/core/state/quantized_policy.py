"""Dtype policies of quantized layers, and policies by the path of a layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, ClassVar

from cornu import registry
from cornu.core.state.dtype_policy import DTypePolicy, dtype_policy, get_policy
from cornu.errors import suggest
from cornu.types import Config

__all__ = [
    "QUANTIZATION_MODES",
    "AWQDTypePolicy",
    "DTypePolicyMap",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
]

QUANTIZATION_MODES = ("int8", "float8", "int4", "gptq", "awq")


class QuantizedDTypePolicy(DTypePolicy):
    """The policy of a quantized layer: a mode, and the dtypes of what is not quantized.

    Args:
        mode: `"int8"`, `"int4"`, `"float8"`, `"gptq"` or `"awq"`.
        source_name: the name of the policy of the layer before it was quantized; by default that of
            the process-wide policy.

    Raises:
        ValueError: the mode is unknown, or not possible with the compute dtype.

    Example:

    >>> policy = QuantizedDTypePolicy("int8", "mixed_bfloat16")
    >>> policy.name, policy.compute_dtype, policy.quantization_mode
    ('int8_from_mixed_bfloat16', 'bfloat16', 'int8')
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        source = dtype_policy().name if source_name is None else source_name
        super().__init__(source)
        self._mode = self._read_mode(mode)
        if self._mode not in QUANTIZATION_MODES:
            raise ValueError(
                f"Unknown quantization mode {mode!r}. {suggest(mode, QUANTIZATION_MODES)}"
            )
        if self._mode == "int8" and self.compute_dtype == "float16":
            raise ValueError(
                "The mode 'int8' is not possible with the compute dtype float16, whose range is "
                f"too small for the sums. Use mixed_bfloat16. Received: source_name={source!r}"
            )
        self._name = f"{mode}_from_{source}"
        self._mode_argument, self._source_name = mode, source

    def _read_mode(self, mode: str) -> str:
        """Returns the quantization mode that an argument names."""
        return mode

    @property
    def quantization_mode(self) -> str:
        """The quantization mode."""
        return self._mode

    def get_config(self) -> Config:
        """Returns the mode and the name of the source policy."""
        return {"mode": self._mode_argument, "source_name": self._source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer that computes products of 8-bit floats.

    Args:
        mode: `"float8"`.
        source_name: the name of the policy of the layer before it was quantized.
        amax_history_length: the number of steps whose largest values determine a scale.

    Example:

    >>> QuantizedFloat8DTypePolicy("float8", "float32").amax_history_length
    1024
    """

    default_amax_history_length: ClassVar[int] = 1024

    def __init__(
        self, mode: str, source_name: str | None = None, amax_history_length: int = 1024
    ) -> None:
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise TypeError(
                f"amax_history_length must be an integer. Received: {amax_history_length!r}"
            )
        self._amax_history_length = amax_history_length

    @property
    def amax_history_length(self) -> int:
        """The number of steps whose largest values determine a scale."""
        return self._amax_history_length

    def get_config(self) -> Config:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "amax_history_length": self._amax_history_length}

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and (
            isinstance(other, QuantizedFloat8DTypePolicy)
            and other._amax_history_length == self._amax_history_length
        )

    __hash__ = QuantizedDTypePolicy.__hash__


def _is_size(value: int) -> bool:
    return value == -1 or value > 0


class _SizedDTypePolicy(QuantizedDTypePolicy):
    """Base class of policies whose mode has numbers, such as `"gptq/4/128"`."""

    _base_mode: ClassVar[str]
    # The attributes that hold the numbers, each with a test of its value and a description.
    _numbers: ClassVar[Mapping[str, tuple[Callable[[int], bool], str]]]

    def _read_mode(self, mode: str) -> str:
        base, *parts = mode.split("/") if isinstance(mode, str) else [str(mode)]
        if base != self._base_mode or len(parts) != len(self._numbers):
            raise self._mode_error(mode)
        for (name, (is_valid, description)), text in zip(self._numbers.items(), parts, strict=True):
            if not re.fullmatch(r"-?\d+", text):
                raise self._mode_error(mode)
            if not is_valid(int(text)):
                raise ValueError(f"{name} must be {description}. Received: mode={mode!r}")
            setattr(self, name, int(text))
        self.mode = base
        return base

    def _mode_error(self, mode: str) -> ValueError:
        form = "/".join([self._base_mode, *(f"<{name}>" for name in self._numbers)])
        return ValueError(f"mode must be of the form '{form}'. Received: {mode!r}")


class Int4DTypePolicy(_SizedDTypePolicy):
    """The policy of a layer with weights of 4 bits.

    Args:
        mode: `"int4/<block size>"`: the number of inputs that share a scale, or -1 for all.
        source_name: the name of the policy of the layer before it was quantized.

    Example:

    >>> Int4DTypePolicy("int4/64", "float32").block_size
    64
    """

    _base_mode = "int4"
    _numbers = {"block_size": (_is_size, "a positive integer, or -1")}

    block_size: int


class GPTQDTypePolicy(_SizedDTypePolicy):
    """The policy of a layer that was quantized by GPTQ.

    Args:
        mode: `"gptq/<bits>/<group size>"`: 2, 3, 4 or 8 bits, and the number of inputs that share a
            scale, or -1 for all.
        source_name: the name of the policy of the layer before it was quantized.

    Example:

    >>> GPTQDTypePolicy("gptq/4/128", "float32").weight_bits
    4
    """

    _base_mode = "gptq"
    _numbers = {
        "weight_bits": (lambda value: value in (2, 3, 4, 8), "2, 3, 4 or 8"),
        "group_size": (_is_size, "a positive integer, or -1"),
    }

    weight_bits: int
    group_size: int


class AWQDTypePolicy(_SizedDTypePolicy):
    """The policy of a layer that was quantized by AWQ.

    Args:
        mode: `"awq/4/<group size>"`: the number of inputs that share a scale, or -1 for all.
        source_name: the name of the policy of the layer before it was quantized.

    Example:

    >>> AWQDTypePolicy("awq/4/128", "float32").group_size
    128
    """

    _base_mode = "awq"
    _numbers = {
        "weight_bits": (lambda value: value == 4, "4"),
        "group_size": (_is_size, "a positive integer, or -1"),
    }

    weight_bits: int
    group_size: int


class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """A mapping of the paths of layers to dtype policies.

    A layer that is created with a map as its `dtype` has the policy of its path, once it is built.
    A key is a path, or a regular expression for the whole path.

    Args:
        default_policy: the policy of other paths; by default the process-wide policy.
        policy_map: a dict of policies by path.

    Raises:
        ValueError: the default is a map, or a path matches several keys (when it is looked up).
        TypeError: `policy_map` is not a dict.

    Example:

    >>> policies = DTypePolicyMap("float32", {"encoder/.*": DTypePolicy("bfloat16")})
    >>> policies["encoder/dense"].name, policies["decoder/dense"].name
    ('bfloat16', 'float32')
    """

    def __init__(
        self,
        default_policy: str | DTypePolicy | None = None,
        policy_map: dict[str, Any] | None = None,
    ) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("default_policy cannot be a DTypePolicyMap.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"policy_map must be a dict. Received: {policy_map!r}")
        self._default = None if default_policy is None else get_policy(default_policy)
        self._policies = {path: get_policy(policy) for path, policy in (policy_map or {}).items()}

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of paths that match no key."""
        return dtype_policy() if self._default is None else self._default

    @property
    def name(self) -> str:
        """The name of the map, which contains that of the default policy."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:
        """The dtype of computations of the default policy."""
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of Variables of the default policy."""
        return self.default_policy.variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """The quantization mode of the default policy."""
        return self.default_policy.quantization_mode

    def _policy_for_(self, path: str) -> DTypePolicy:
        """Returns the policy of the layer with a path."""
        return self[path]

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policies:
            return self._policies[key]
        matching = [pattern for pattern in self._policies if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(
                f"The path {key!r} matches several keys of the DTypePolicyMap: "
                f"{', '.join(map(repr, matching))}. It must match at most one."
            )
        return self._policies[matching[0]] if matching else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policies:
            raise ValueError(
                f"The DTypePolicyMap has the key {key!r} already, with {self._policies[key]}. "
                "Delete it first."
            )
        self._policies[key] = get_policy(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    # A map has the identity of an object: its entries may change.
    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def get_config(self) -> Config:
        """Returns the default policy and the entries as plain data."""
        return {
            "default_policy": registry.serialize(self._default),
            "policy_map": registry.serialize(self._policies),
        }

    def __repr__(self) -> str:
        entries = {path: policy.name for path, policy in self._policies.items()}
        return f"<DTypePolicyMap default_policy={self.default_policy.name!r}, mapping={entries}>"
