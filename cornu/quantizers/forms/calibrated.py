"""The modes "gptq" and "awq": levels that are chosen from data for calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from cornu.core.state.quantized_policy import AWQDTypePolicy, GPTQDTypePolicy
from cornu.core.state.variable import read_value
from cornu.quantizers.config import QuantizationConfig
from cornu.quantizers.forms.awq import Magnitudes, quantize_by_awq
from cornu.quantizers.forms.form import WeightForm, add_state, map_of, release, stored, value_of
from cornu.quantizers.forms.gptq import Hessian, quantize_by_gptq
from cornu.quantizers.packing import pack_int4, unpack_int4
from cornu.quantizers.zero_point import dequantize_by_group
from cornu.registry import add_class

__all__ = ["AWQ", "GPTQ", "Calibrated"]


class Calibrated(WeightForm):
    """Stores `quantized_kernel` (outputs, inputs), `kernel_scale`, `kernel_zero` and `g_idx`.

    Until the layer is calibrated, it also has the weight, and computes with it.
    """

    is_adaptable = False
    _names: ClassVar[tuple[str, ...]] = (
        *("bias", "quantized_kernel", "kernel_scale", "kernel_zero", "g_idx"),
    )

    def create(self, layer: Any, shape: Sequence[int], config: QuantizationConfig | None) -> None:
        bits, size = self._bits_and_group_size(layer, config)
        rows, columns = map_of(layer).calibrated_shape(layer, shape)
        groups = 1 if size == -1 else math.ceil(rows / size)
        packed = (columns + 1) // 2 if bits == 4 else columns
        layer.quantized_kernel = add_state(layer, "kernel", (packed, rows), "zeros", dtype="uint8")
        layer.kernel_scale = add_state(layer, "kernel_scale", (columns, groups), "ones")
        layer.kernel_zero = add_state(
            layer, "kernel_zero", (columns, groups), "zeros", dtype="uint8"
        )
        self._create_input_scales(layer, rows)
        layer.g_idx = add_state(layer, "g_idx", (rows,), "zeros", dtype="float32")

    def _create_input_scales(self, layer: Any, rows: int) -> None:
        """Creates the factors of the inputs, if the mode has them."""

    def _bits_and_group_size(self, layer: Any, config: Any) -> tuple[int, int]:
        policy = layer._active_policy_
        found = config if config is not None and config.mode == self.mode else policy
        if found is policy and not isinstance(policy, (GPTQDTypePolicy, AWQDTypePolicy)):
            raise ValueError(
                f"{layer._label_()}: the mode {self.mode!r} requires a config, or a dtype policy "
                f"with the numbers of bits and of a group. Received: {policy!r}"
            )
        return found.weight_bits, found.group_size

    def convert(self, layer: Any, config: QuantizationConfig) -> None:
        self.create(layer, layer._weight_shape_, config)

    def is_calibrated(self, layer: Any) -> bool:
        """Whether the layer computes with the levels."""
        return "_kernel" not in vars(layer)

    def start_calibration(self, layer: Any) -> Any:
        """Returns an object whose method `add` receives the inputs of the calls of a layer."""
        return self._make_statistics(map_of(layer).calibrated_shape(layer, layer._weight_shape_)[0])

    def calibrate(self, layer: Any, statistics: Any, config: QuantizationConfig) -> None:
        """Chooses levels, given the inputs, and stores them in place of the weight."""
        shape = map_of(layer).calibrated_shape(layer, layer._weight_shape_)
        weight = jnp.reshape(read_value(stored(layer)), shape).T
        self._assign(layer, *self._choose_levels(layer, weight, statistics, config))

    def _make_statistics(self, size: int) -> Any:
        raise NotImplementedError

    def _choose_levels(self, layer: Any, weight: Any, statistics: Any, config: Any) -> Any:
        """Returns the levels (outputs, inputs), scales, zero points and indices of groups."""
        raise NotImplementedError

    def _assign(
        self, layer: Any, levels: Any, scale: Any, zero: Any, groups: Any, input_scales: Any = None
    ) -> None:
        bits, _ = self._bits_and_group_size(layer, layer.quantization_config)
        levels = levels.astype("uint8")
        if bits == 4:
            levels, _, _ = pack_int4(levels, axis=0, dtype="uint8")
        layer.quantized_kernel.assign(levels)
        layer.kernel_scale.assign(scale)
        layer.kernel_zero.assign(zero)
        layer.g_idx.assign(groups)
        if input_scales is not None:
            layer.awq_scales.assign(input_scales)
        release(layer, "_kernel")

    def _levels(self, layer: Any) -> Any:
        bits, _ = self._bits_and_group_size(layer, layer.quantization_config)
        levels = value_of(layer.quantized_kernel)
        if bits != 4:
            return levels
        return unpack_int4(levels, layer.kernel_scale.shape[0], axis=0, dtype="uint8")

    def weight(self, layer: Any) -> Any:
        return self._levels(layer) if self.is_calibrated(layer) else stored(layer)

    def dequantize(self, layer: Any) -> Any:
        """Returns the weight that the levels stand for."""
        scale, zero = value_of(layer.kernel_scale), value_of(layer.kernel_zero)
        return dequantize_by_group(self._levels(layer), scale, zero, value_of(layer.g_idx)).T

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        linear = map_of(layer)
        if self.is_calibrated(layer):
            weight = self.dequantize(layer).reshape(layer._weight_shape_)
            weight = weight.astype(layer.compute_dtype)
        else:
            weight = stored(layer)
        return linear.finish(layer, linear.apply(layer, inputs, weight))

    def names(self, layer: Any) -> tuple[str, ...]:
        return self._names


class GPTQ(Calibrated):
    """Levels of GPTQ."""

    mode = "gptq"

    def _make_statistics(self, size: int) -> Any:
        return Hessian(size)

    def _choose_levels(self, layer: Any, weight: Any, statistics: Any, config: Any) -> Any:
        return quantize_by_gptq(
            weight,
            statistics.damped(config.hessian_damping),
            bits=config.weight_bits,
            symmetric=config.symmetric,
            per_channel=config.per_channel,
            group_size=config.group_size,
            activation_order=config.activation_order,
            dtype=layer.variable_dtype,
        )


class AWQ(Calibrated):
    """Levels of weights that were multiplied by factors of the inputs, `awq_scales`."""

    mode = "awq"
    _names = (*("bias", "quantized_kernel", "kernel_scale", "kernel_zero", "awq_scales", "g_idx"),)

    def _create_input_scales(self, layer: Any, rows: int) -> None:
        layer.awq_scales = add_state(layer, "awq_scales", (rows,), "ones")

    def _make_statistics(self, size: int) -> Any:
        return Magnitudes(size)

    def _choose_levels(self, layer: Any, weight: Any, statistics: Any, config: Any) -> Any:
        return quantize_by_awq(
            weight,
            statistics.largest,
            num_grid_points=config.num_grid_points,
            group_size=config.group_size,
        )

    def dequantize(self, layer: Any) -> Any:
        return super().dequantize(layer) / value_of(layer.awq_scales)[:, None]


add_class("weight_forms", GPTQ, "gptq/kernel")
add_class("weight_forms", AWQ, "awq/kernel")
