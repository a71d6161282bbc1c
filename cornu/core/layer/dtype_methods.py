"""DTypeMethods: the methods of a layer that concern its dtype policy, and quantization."""

from __future__ import annotations

from typing import Any

from cornu.core.graph.operation import Operation
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.types import DTypeLike

__all__ = ["DTypeMethods"]


class DTypeMethods(Operation):
    """The methods of a Layer that concern dtypes: of inputs, Variables and quantized weights."""

    _policy_: DTypePolicy | None
    # The policies by path of which `_policy_` is the one for this layer, if `dtype` is a map.
    _policy_map_: DTypePolicy | None = None
    # The name of the method that computes the outputs: another one than `call` in a layer whose
    # weight is quantized or has an adapter.
    _call_method_: str = "call"

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes of the layer's computation and of its Variables, or a map of them by path."""
        return self._active_policy_ if self._policy_map_ is None else self._policy_map_

    @dtype_policy.setter
    def dtype_policy(self, value: DTypeLike | DTypePolicy | dict[str, Any] | None) -> None:
        self._change_policy_(get_policy(value))

    def _change_policy_(self, policy: DTypePolicy) -> None:
        """Sets the policy of a layer that may be built."""
        self._set_policy_(policy, self.name)

    @property
    def _active_policy_(self) -> DTypePolicy:
        """The policy of this layer, also if `dtype_policy` is a map."""
        if self._policy_ is None:
            self._policy_ = get_policy(None)
        return self._policy_

    def _set_policy_(self, policy: DTypePolicy, path: str) -> None:
        """Sets the policy, or the policy for a path if it is a map."""
        self._policy_ = policy._policy_for_(path)
        self._policy_map_ = None if self._policy_ is policy else policy
        self._call_method_ = self._choose_call_()

    def _choose_call_(self) -> str:
        """Returns the name of the method that computes the outputs."""
        return "call" if self.quantization_mode is None else "quantized_call"

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation and of outputs."""
        return self._active_policy_.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the Variables."""
        return self._active_policy_.variable_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the Variables."""
        return self.variable_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    # ------------------------------------------------------------------------------- quantization

    @property
    def quantization_mode(self) -> str | None:
        """The quantization mode; None for a layer that is not quantized."""
        return self._active_policy_.quantization_mode

    def quantize(
        self, mode: str | None = None, type_check: bool = True, config: Any = None
    ) -> None:
        """Replaces the weights by quantized ones; layers with such weights define it.

        Args:
            mode: `"int8"`, `"int4"`, `"float8"`, `"gptq"` or `"awq"`.
            type_check: whether a subclass of the program is refused.
            config: a config of `cornu.quantizers`.
        """
        raise NotImplementedError(f"{self._label_()} has no weights that can be quantized.")

    def quantized_build(self, input_shape: Any, mode: str, config: Any = None) -> None:
        """Creates the Variables of a quantized layer; a subclass may define it.

        Args:
            input_shape: the shape of the weight that is quantized, such as the kernel.
            mode: `"int8"`, `"int4"`, `"float8"`, `"gptq"` or `"awq"`.
            config: a config of `cornu.quantizers`; by default that of the mode.
        """
        raise NotImplementedError(f"{self._label_()} does not define `quantized_build`.")

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs of a quantized layer, in place of `call`.

        By default, it calls a method of the mode, such as `_int8_call`, if a subclass has it, and
        `call` otherwise.

        Args:
            *args, **kwargs: the arguments of `call`.
        """
        call: Any = getattr(self, f"_{self.quantization_mode}_call", self.call)
        return call(*args, **kwargs)
