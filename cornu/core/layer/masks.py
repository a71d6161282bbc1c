"""Masks of a layer call: taken from the inputs, passed to `call`, attached to the outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cornu import tree
from cornu.core.graph.op import MaskOp, is_symbolic
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.signature import CallSignature
from cornu.core.state import scope
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import warn

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = ["attach_inner_masks", "attach_masks", "fill_mask_arguments", "symbolic_mask"]


def symbolic_mask(x: Any) -> Tensor | None:
    """Returns the mask of a symbolic Tensor; None for anything else."""
    return x.mask if isinstance(x, Tensor) else None


def fill_mask_arguments(
    signature: CallSignature,
    tensors: dict[str, Any],
    kwargs: dict[str, Any],
    mask_of: Callable[[Any], Any],
) -> Any:
    """Adds the masks of the inputs to `kwargs`; returns the mask of the first input.

    Args:
        signature: the parameters of `call`.
        tensors: the inputs by parameter name.
        kwargs: the keyword arguments of the call; `mask` and `NAME_mask` are added where `call`
            has such a parameter and the caller passed no mask.
        mask_of: returns the mask of one array or Tensor, or None.
    """
    if not tensors:
        return None
    explicit = kwargs.get("mask")
    first_name, first = next(iter(tensors.items()))
    if explicit is not None:
        return explicit
    first_mask = _unless_all_none(tree.map(mask_of, first))
    if signature.mask and first_mask is not None:
        kwargs["mask"] = first_mask
    for name, value in tensors.items() if len(tensors) > 1 else ():
        parameter = f"{name}_mask"
        if parameter in signature.names and kwargs.get(parameter) is None:
            mask = _unless_all_none(tree.map(mask_of, value))
            if mask is not None:
                kwargs[parameter] = mask
    return kwargs.get(f"{first_name}_mask", first_mask)


def attach_masks(layer: Layer, inputs: Any, masks: Any, outputs: Any) -> None:
    """Attaches the output masks to the outputs, or warns that the mask is lost."""
    if not layer.supports_masking:
        warn(
            "C022",
            f"{layer._label_()} received an input with a mask and does not support masking: "
            "the layers after it receive no mask. Call it before the layer that creates the mask, "
            "or set its attribute `supports_masking = True` if the mask is valid for its output, "
            "too.",
            stacklevel=user_stacklevel(),
        )
        return
    if is_symbolic(inputs):
        output_masks = layer._compute_symbolic_mask_(inputs, masks)
    else:
        output_masks = layer.compute_mask(inputs, masks)
    if output_masks is None:
        return
    for output, mask in zip(tree.leaves(outputs), tree.leaves(output_masks), strict=False):
        if mask is None:
            continue
        if isinstance(output, Tensor):
            output.mask = mask
        else:
            scope.current().masks.put(output, mask)


def _mask_of(array: Any) -> Any:
    return scope.current().masks.get(array)


_mask_of_array = MaskOp(_mask_of)


def attach_inner_masks(outputs: Any, inner_masks: list[Tensor | None]) -> None:
    """Attaches the masks that layers within `call` attach to what it returns.

    Args:
        outputs: the symbolic outputs.
        inner_masks: for each output, a Tensor like its mask, or None without a mask.
    """
    for output, like in zip(tree.leaves(outputs), inner_masks, strict=True):
        if like is not None and output.mask is None:
            mask = Tensor(like.shape, like.dtype)
            # When the graph runs, the mask is that of the array.
            output.mask = Node(_mask_of_array, (output,), {}, mask).outputs


def _unless_all_none(masks: Any) -> Any:
    return masks if any(mask is not None for mask in tree.leaves(masks)) else None
