"""InputSpec: the shape and dtype that a layer requires of its input."""

from __future__ import annotations

from typing import Any

from cornu.errors import quantity
from cornu.types import DTypeLike, Shape, ShapeLike

__all__ = ["InputSpec", "check_input"]


class InputSpec:
    """The number of axes, the sizes and the dtype that the input of a layer must have.

    Args:
        dtype: the dtype.
        shape: the shape with the batch axis; None for any size.
        ndim: the number of axes.
        max_ndim, min_ndim: bounds of the number of axes.
        axes: a dict from axes to their sizes.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or added.
        name: the name of the input, if inputs are a dict.
        optional: whether None may be passed.
        hint: a text that is added to the message if the number of axes is wrong.

    Example:

    >>> InputSpec(ndim=2, axes={-1: 8})
    InputSpec(ndim=2, axes={-1: 8})
    """

    def __init__(
        self,
        dtype: DTypeLike | None = None,
        shape: ShapeLike | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
        hint: str = "",
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        self.hint = hint

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, as Keras does: without the name."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """Creates a spec from what `get_config()` returned.

        Args:
            config: the arguments of the constructor by name.
        """
        return cls(**config)

    def problem(self, shape: Shape) -> str | None:
        """Returns why a shape does not match, or None if it does.

        Args:
            shape: the shape of an input, with None for unknown sizes.
        """
        ndim = len(shape)
        if self.ndim is not None and ndim != self.ndim:
            squeezed = self.allow_last_axis_squeeze and abs(ndim - self.ndim) == 1
            if not (squeezed and 1 in (shape[-1:] + (self.shape or ())[-1:])):
                return self._axes(f"{quantity(self.ndim, 'axis')} (batch first)", shape)
            return None
        if self.max_ndim is not None and ndim > self.max_ndim:
            return self._axes(f"at most {quantity(self.max_ndim, 'axis')}", shape)
        if self.min_ndim is not None and ndim < self.min_ndim:
            return self._axes(f"at least {quantity(self.min_ndim, 'axis')}", shape)
        for axis, size in self.axes.items():
            if -ndim <= axis < ndim and size is not None and shape[axis] not in (size, None):
                return (
                    f"expected size {size} on axis {axis}, received {shape[axis]}: shape {shape}.\n"
                    "The weights were created for that size by the first call: use another layer "
                    "for inputs of another size"
                )
        if self.shape is not None:
            for axis, (want, got) in enumerate(zip(self.shape, shape, strict=True)):
                if want is not None and got is not None and want != got:
                    return f"expected shape {self.shape}, received {shape} (axis {axis} differs)"
        return None

    def _axes(self, wanted: str, shape: Shape) -> str:
        """Returns the message for a wrong number of axes."""
        hint = self.hint
        if not hint and len(shape) == 1:
            hint = "The batch axis seems to be missing: pass x[None] for a single sample."
        text = f"expected {wanted}, received {len(shape)}: shape {shape}"
        # `check_input` appends the period.
        return f"{text}.\n{hint}".removesuffix(".") if hint else text

    def __repr__(self) -> str:
        parts = [
            f"{name}={value!r}"
            for name, value in vars(self).copy().items()
            if value not in (None, {}, False)
            and name != "hint"
            and not (name == "ndim" and self.shape is not None)
        ]
        return f"InputSpec({', '.join(parts)})"


def check_input(spec: Any, shapes: Any, label: str) -> None:
    """Raises a ValueError if shapes do not match a spec, or a list of specs, one per input."""
    if spec is None:
        return
    if isinstance(spec, InputSpec):
        if isinstance(shapes, tuple) and all(d is None or isinstance(d, int) for d in shapes):
            problem = spec.problem(shapes)
            if problem:
                raise ValueError(f"{label}: {problem}.")
        return
    if isinstance(spec, (list, tuple)) and isinstance(shapes, (list, tuple)):
        if len(spec) != len(shapes):
            raise ValueError(
                f"{label}: expected {quantity(len(spec), 'input')}, received {len(shapes)}."
            )
        for one, shape in zip(spec, shapes, strict=True):
            check_input(one, shape, label)
