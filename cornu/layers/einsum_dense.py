"""EinsumDense: a linear map of any axes."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import ops
from cornu.core.layer.input_spec import InputSpec
from cornu.errors import quantity
from cornu.layers.adaptable import AdaptableLayer, AdaptedWeight
from cornu.layers.base import Activation
from cornu.parts import initializers
from cornu.types import (
    ActivationLike,
    Array,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["EinsumDense"]


class EinsumDense(AdaptableLayer):
    """Linear map defined by an einsum equation, followed by an activation.

    y = activation(einsum(equation, x, kernel) + bias)

    Args:
        equation: an equation such as `"abc,cd->abd"`: input, kernel and output, one letter for
            each axis. The first axis of the output is the batch. An ellipsis (`...`) at the
            beginning or end of input and output stands for any number of axes.
        output_shape: the shape of the output without the batch axis and the axes of the ellipsis.
            `None` for an axis whose size is taken from the input.
        activation: an activation function, or its name; the identity by default.
        bias_axes: the letters of the output axes along which the bias varies; no bias by default.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        kernel_constraint, bias_constraint: projections of the weights, applied after each training
            step.
        lora_rank, lora_alpha: if given, the kernel gets an adapter of LoRA; see `enable_lora`.
        quantization_config: the config of a layer that is created with a quantized dtype policy.
        gptq_unpacked_column_size: has no effect; configs of Keras contain it.
        **kwargs: `name`, `dtype`, `activity_regularizer` and other arguments of `Layer`.

    Shapes:
        defined by the equation

    Raises:
        ValueError: the equation is malformed, or contradicts `output_shape` or the input shape.

    Example:

    >>> import cornu
    >>> heads = cornu.layers.EinsumDense("btd,dhk->bthk", output_shape=(None, 4, 8), bias_axes="hk")
    >>> heads(cornu.Input((10, 32))).shape
    (None, 10, 4, 8)
    """

    _infers_by_config_ = True
    _map_name_ = "Einsum"

    _argument_attributes_ = {"output_shape": "partial_output_shape"}

    kernel = AdaptedWeight()
    equation: str
    activation: Activation
    bias_axes: str | None
    kernel_initializer: Callable[..., Any]

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: ActivationLike | None = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals(), skip=("output_shape",))
        self._rowwise_ = _is_rowwise(equation)
        one_axis = isinstance(output_shape, int)
        self.partial_output_shape = (output_shape,) if one_axis else tuple(output_shape)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` and `bias`."""
        shapes = _weight_shapes(
            self._label_(), self.equation, self.bias_axes, input_shape, self.partial_output_shape
        )
        self.input_spec = InputSpec(ndim=len(input_shape))
        self.create_adaptable_weight(
            "kernel", shapes.kernel, initializer=_with_fans(self.kernel_initializer, shapes)
        )
        self.bias = None if shapes.bias is None else self.create_weight("bias", shapes.bias)

    def _letters_(self) -> tuple[str, str, str]:
        """Returns the letters of input, kernel and output of a built layer, without '...'."""
        return _letters(self._label_(), self.equation, self.input_spec.ndim)[:3]

    def quantized_build(self, kernel_shape: Any, mode: str, config: Any = None) -> None:
        """Creates the Variables of the quantized kernel.

        Args:
            kernel_shape: the shape of the kernel before quantization.
            mode, config: as in other layers.
        """
        super().quantized_build(kernel_shape, mode, config)

    def call(self, inputs: Array, training: bool | None = None) -> Array:
        """Returns activation(einsum(equation, inputs, kernel) + bias)."""
        outputs: Array = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        outputs = self.activation(outputs)
        return outputs


class _Shapes(NamedTuple):
    """Shapes of the weights, and the kernel axes that belong to input and output."""

    kernel: tuple[int, ...]
    bias: tuple[int, ...] | None
    input_axes: tuple[int, ...]
    output_axes: tuple[int, ...]


def _weight_shapes(
    label: str, equation: str, bias_axes: str | None, input_shape: ShapeLike, output_shape: Any
) -> _Shapes:
    ins, kernel, outs, elided = _letters(label, equation, len(input_shape))
    sizes: dict[str, int | None] = dict(zip(ins, input_shape, strict=True))
    # `output_shape` omits the batch axis, and the axes that '...' stands for.
    new = [letter for letter in outs[1:] if letter not in elided]
    if len(new) != len(output_shape):
        raise ValueError(
            f"{label}: output_shape={output_shape} has {quantity(len(output_shape), 'size')}; "
            f"the equation {equation!r} has {quantity(len(new), 'axis')} in the output besides the "
            "batch and '...'."
        )
    for letter, size in zip(new, output_shape, strict=True):
        if letter in ins and size not in (None, sizes[letter]):
            raise ValueError(
                f"{label}: axis {letter!r} of {equation!r} has the size {sizes[letter]} in the "
                f"input shape {tuple(input_shape)} and {size} in output_shape={output_shape}."
            )
        if size is not None:
            sizes[letter] = size

    def shape(letters: str, weight: str) -> tuple[int, ...]:
        unknown = [letter for letter in letters if sizes.get(letter) is None]
        if unknown:
            raise ValueError(
                f"{label}: the {weight} needs the size of axis {unknown[0]!r} of {equation!r}. "
                f"Received the input shape {tuple(input_shape)} and output_shape={output_shape}."
            )
        return tuple(sizes[letter] for letter in letters)  # type: ignore[misc]

    bias = None
    if bias_axes:
        unknown = [letter for letter in bias_axes if letter not in outs]
        if unknown:
            raise ValueError(
                f"{label}: bias_axes={bias_axes!r} has {unknown[0]!r}, which is not an axis of the "
                f"output of {equation!r}."
            )
        shape(bias_axes, "bias")
        first = min(outs.index(letter) for letter in bias_axes)
        # The axes between those of the bias have size 1, so that it broadcasts against the output.
        bias = tuple(sizes[la] if la in bias_axes else 1 for la in outs[first:])
    return _Shapes(
        kernel=shape(kernel, "kernel"),
        bias=bias,  # type: ignore[arg-type]
        input_axes=tuple(i for i, letter in enumerate(kernel) if letter not in outs),
        output_axes=tuple(i for i, letter in enumerate(kernel) if letter in outs),
    )


def _letters(label: str, equation: str, ndim: int) -> tuple[str, str, str, str]:
    """Returns the letters of input, kernel and output, with '...' expanded, and its letters."""
    match = re.fullmatch(r"(\.{3})?([a-zA-Z]+)(\.{3})?,([a-zA-Z]+)->([a-zA-Z.]+)", equation)
    if match is None or (match[1] and match[3]):
        raise ValueError(
            f"{label}: the equation must look like 'ab,bc->ac', '...b,bc->...c' or "
            f"'ab...,bc->ac...'. Received: {equation!r}"
        )
    before, ins, after, kernel, outs = match.groups()
    missing = ndim - len(ins)
    if missing < 0 or (missing and not (before or after)):
        raise ValueError(f"{label}: {equation!r} does not fit an input with {ndim} axes.")
    # Each axis of '...' gets a letter of its own, so that sizes can be looked up by letter.
    spare = [letter for letter in string.ascii_letters if letter not in equation]
    elided = "".join(spare[:missing])
    if before or after:
        ends = outs.startswith("...") if before else outs.endswith("...")
        if not ends:
            raise ValueError(
                f"{label}: '...' must be at the same end of the input and of the output. "
                f"Received: {equation!r}"
            )
        outs = elided + outs[3:] if before else outs[:-3] + elided
    if not set(outs) <= set(ins + kernel + elided):
        unknown = sorted(set(outs) - set(ins + kernel + elided))
        raise ValueError(
            f"{label}: the output of {equation!r} has the axis {unknown[0]!r}, which is in neither "
            "the input nor the kernel."
        )
    return (elided + ins if before else ins + elided), kernel, outs, elided


def _with_fans(initializer: Any, shapes: _Shapes) -> Any:
    """Returns the initializer with the kernel axes that determine fan-in and fan-out.

    By position alone, a kernel of rank 3 would be taken for that of a convolution.
    """
    if not isinstance(initializer, initializers.VarianceScaling):
        return initializer
    if initializer.input_axes is not None and initializer.output_axes is not None:
        return initializer
    # A copy, because the user may pass the same initializer to several layers.
    return initializer._with_axes_(shapes.input_axes, shapes.output_axes)


def _is_rowwise(equation: str) -> bool:
    """Returns whether the batch axis of the input is that of the output, and not summed over."""
    operands, _, output = equation.replace(" ", "").partition("->")
    inputs, _, kernel = operands.partition(",")
    return inputs[:1] == output[:1] and inputs[:1] not in kernel
