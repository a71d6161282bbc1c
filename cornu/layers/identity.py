"""Identity: returns its inputs."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.layer import Layer

__all__ = ["Identity"]


class Identity(Layer):
    """Returns its inputs unchanged. They may be a nested structure of arrays.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Example:

    >>> import cornu
    >>> cornu.layers.Identity()(cornu.Input((3,))).shape
    (None, 3)
    """

    _infers_by_config_ = True
    _rowwise_ = True
    _accepts_sparse_ = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Returns the inputs."""
        return inputs
