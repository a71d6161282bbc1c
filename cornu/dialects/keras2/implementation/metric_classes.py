"""Metric, the base class, and methods of metrics in Keras 2.3 and tf.keras."""

from __future__ import annotations

import functools
from typing import Any

from cornu import metrics
from cornu.dialects.part_configs import PartConfigs
from cornu.registry.custom_objects import registered_names
from cornu.types import Config

__all__ = ["with_old_methods"]


class _OldMethods(PartConfigs):
    """Mixin with `reset_states`, which tf.keras 2.5 renamed to `reset_state`."""

    _not_of_version_ = ("from_sorted_ids",)

    def get_config(self: Any) -> Config:
        """Returns the arguments of the constructor, with the name and dtype that were chosen."""
        return {**super().get_config(), "name": self.name, "dtype": self.dtype}

    def reset_states(self: Any) -> None:
        """Resets the metric: the old name of `reset_state`."""
        if _method(self, "reset_state") is _OldMethods.reset_state:
            super().reset_state()  # type: ignore[misc]
        else:
            self.reset_state()

    def reset_state(self: Any) -> None:
        """Resets the metric; calls `reset_states` if a class of the program overrides it."""
        if _method(self, "reset_states") is _OldMethods.reset_states:
            super().reset_state()  # type: ignore[misc]
        else:
            self.reset_states()


def _method(owner: Any, name: str) -> Any:
    return getattr(type(owner), name)


class _AddWeight:
    """Mixin with `add_weight`, whose first parameter is the name."""

    def add_weight(
        self: Any,
        name: str | None = None,
        shape: Any = (),
        aggregation: Any = None,
        synchronization: Any = None,
        initializer: Any = None,
        dtype: Any = None,
    ) -> Any:
        """Creates a Variable; see `cornu.metrics.Metric.add_weight`.

        Args:
            name: its name.
            shape: the shape; a scalar by default.
            aggregation, synchronization: ignored: how devices of TensorFlow combine values.
            initializer, dtype: as today.
        """
        return super().add_weight(shape, initializer, dtype, name)  # type: ignore[misc]


@functools.cache
def with_old_methods(cls: type) -> type:
    """Returns a subclass of a metric with the methods of Keras 2.

    Args:
        cls: the class; the base class `Metric` also gets `add_weight` of Keras 2.
    """
    mixins: tuple[type, ...] = (_OldMethods,)
    if cls is metrics.Metric:
        mixins = (_OldMethods, _AddWeight)
    body = {
        "__module__": __name__,
        "__doc__": cls.__doc__,
        "_class_reference_": (with_old_methods, cls),
    }
    made = type(cls.__name__, (*mixins, cls), body)
    if cls in registered_names:
        registered_names[made] = registered_names[cls]
    return made
