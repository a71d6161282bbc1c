"""Spatial: base class of layers whose inputs have spatial axes and a channel axis."""

from __future__ import annotations

import inspect
import operator
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from cornu import ops, settings
from cornu.core.layer.input_spec import InputSpec
from cornu.core.tracebacks.api_boundary import api_boundary_init
from cornu.layers.arguments import SPATIAL_HINT, known_size
from cornu.layers.base import ConfiguredLayer
from cornu.names import is_library_class
from cornu.types import DataFormat, ShapeLike

__all__ = ["Spatial"]

# The constructor arguments that are stored as one integer per spatial axis.
_PER_AXIS = {"dilation_rate", "kernel_size", "output_size", "pool_size", "strides"}


class Spatial(ConfiguredLayer):
    """Base class of layers with `rank` spatial axes, before or after a channel axis.

    Each kind of layer is one class that is independent of the rank, with a short subclass for
    each rank.

    Args:
        data_format: `"channels_last"` for inputs of shape (batch, *spatial, channels),
            `"channels_first"` for (batch, channels, *spatial); `cornu.config.image_data_format()`
            by default.
        **kwargs: passed to `Layer`.
    """

    _infers_by_config_ = True
    _rowwise_ = True

    rank: ClassVar[int]
    data_format: DataFormat
    # Defaults of constructor arguments that have one number per axis, as in Keras. They differ
    # between ranks, and the signature of each class shows its own.
    defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "defaults" in cls.__dict__:
            cls.__init__ = _with_defaults(cls.__init__, cls.defaults)  # type: ignore[method-assign]

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = settings.data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2, hint=SPATIAL_HINT)

    def store_arguments(self, arguments: Mapping[str, Any], skip: tuple[str, ...] = ()) -> None:
        """Stores the constructor arguments; sizes become tuples with one integer per axis."""
        super().store_arguments(arguments, skip)
        self.data_format = settings.data_format(self.data_format)
        for name in ("kernel_size", "strides", "dilation_rate"):
            if name in arguments and name not in skip:
                setattr(self, name, self._per_axis(arguments[name], name))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, with one integer per axis, and the data format."""
        config = super().get_config()
        # A subclass of a program may have arguments of its own under these names.
        if is_library_class(type(self)):
            for name in _PER_AXIS & config.keys():
                if config[name] is not None:
                    config[name] = self._per_axis(config[name], name)
        return {**config, "data_format": self.data_format} if "data_format" in config else config

    @property
    def channel_axis(self) -> int:
        """The axis of the channels."""
        return -1 if self.data_format == "channels_last" else 1

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """The axes other than batch and channels."""
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def _expand_to_axes(self, per_axis: Sequence[Any], elsewhere: Any) -> tuple[Any, ...]:
        """Returns one value per axis of the input: `per_axis`, and `elsewhere` for the others."""
        if self.data_format == "channels_last":
            return (elsewhere, *per_axis, elsewhere)
        return (elsewhere, elsewhere, *per_axis)

    def _broadcast_channels(self, vector: Any) -> Any:
        """Reshapes a vector so that it broadcasts along the channel axis."""
        if self.data_format == "channels_last":
            return vector
        return ops.reshape(vector, (-1, *(1,) * self.rank))

    def _per_axis(self, value: Any, name: str, least: int = 1) -> tuple[int, ...]:
        """Returns one integer per spatial axis, from an integer or a sequence of them."""
        return integers(value, self.rank, name, least, self._label_())

    def _fix_channels(self, input_shape: ShapeLike) -> int:
        """Returns the number of channels, and requires it of later inputs."""
        channels = known_size(self._label_(), input_shape, self.channel_axis)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        return channels

    def _check_extent(self, input_shape: ShapeLike, extent: Sequence[int], what: str) -> None:
        """Raises ValueError if a spatial size of the input is smaller than `extent`."""
        sizes = [input_shape[axis] for axis in self.spatial_axes]
        for size, needed in zip(sizes, extent, strict=True):
            if size is not None and size < needed:
                raise ValueError(
                    f"{self._label_()}: {what} is larger than the input: the spatial sizes must "
                    f"be at least {tuple(extent)}. Received an input of shape "
                    f"{tuple(input_shape)} with data_format={self.data_format!r}."
                )


def integers(value: Any, count: int, name: str, least: int, label: str) -> tuple[int, ...]:
    """Returns `count` integers, from one integer or a sequence of them."""
    try:
        items = value if isinstance(value, Sequence) else (operator.index(value),) * count
        numbers = tuple(operator.index(item) for item in items)
    except TypeError:
        numbers = ()
    if len(numbers) != count or min(numbers) < least:
        raise ValueError(
            f"{label}: `{name}` must be an integer of at least {least}"
            + (f", or {count} of them" if count > 1 else "")
            + f". Received: {value!r}"
        )
    return numbers


def _with_defaults(init: Callable[..., None], defaults: dict[str, Any]) -> Callable[..., None]:
    """Returns a copy of a constructor with other defaults.

    A wrapper would not do: `store_arguments(locals())` needs the defaults in the function itself.
    """
    init = inspect.unwrap(init)
    assert isinstance(init, types.FunctionType)
    names = init.__code__.co_varnames[: init.__code__.co_argcount]
    given = init.__defaults__ or ()
    values = {**dict(zip(names[len(names) - len(given) :], given, strict=True)), **defaults}
    ordered = tuple(values[name] for name in names if name in values)
    copy = types.FunctionType(
        init.__code__, init.__globals__, init.__name__, ordered, init.__closure__
    )
    copy.__kwdefaults__ = init.__kwdefaults__
    copy.__annotations__ = init.__annotations__
    copy.__qualname__ = init.__qualname__
    wrapped: Callable[..., None] = api_boundary_init(copy)
    return wrapped
