"""TimeDistributed: applies a layer to each time step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.layers.rnn.cell_protocol import first_mask
from cornu.layers.wrapper import Wrapper
from cornu.types import Array, ShapeLike

__all__ = ["TimeDistributed"]

# None is no leaf here: a mask that is not there stays None.
_map = jax.tree_util.tree_map


class TimeDistributed(Wrapper):
    """Applies a layer to each time step, with the same weights.

        outputs[:, t] = layer(inputs[:, t])

    Args:
        layer: the layer.
        **kwargs: passed to `Layer`.

    Call arguments:
        inputs: an array, or several with the same batch and time axes.
        training: passed on, if the layer takes it.
        mask: booleans (batch, time, ...). Each step gets its own, if the layer takes masks.

    Shapes: inputs (batch, time, ...) -> (batch, time, ...), the rest as in a call of the layer.

    Raises:
        ValueError: the input has no time axis, or the mask is not of its batch and time.

    Example:

    >>> import cornu
    >>> frames = cornu.Input((10, 32, 32, 3))
    >>> TimeDistributed(cornu.layers.Conv2D(8, 3))(frames).shape
    (None, 10, 30, 30, 8)

    Differences: where rows do not mix, all time steps are one large batch. Layers that keep
    statistics see the steps one after another, as in Keras.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: ShapeLike | None = None) -> None:
        super().build(self._without_time(input_shape))

    def _without_time(self, shape: Any) -> Any:
        if isinstance(shape, dict):
            return {name: self._without_time(one) for name, one in shape.items()}
        if any(isinstance(one, (list, tuple)) for one in shape):
            return [self._without_time(one) for one in shape]
        if len(shape) < 3:
            raise ValueError(
                f"{self._label()}: expected an input (batch, time, ...) of at least 3 axes; "
                f"received the shape {tuple(shape)}.\nWithout time, apply the layer itself."
            )
        return (shape[0], *shape[2:])

    def call(self, inputs: Any, training: bool | None = None, mask: Array | None = None) -> Any:
        batch, time = tree.leaves(inputs)[0].shape[:2]
        given = (inputs, self._passed_on(mask, batch, time))
        if self._mixes_no_rows() or not isinstance(time, int):
            folded = _map(lambda x: x.reshape(batch * time, *x.shape[2:]), given)
            outputs = self._step(*folded, training)
            return _map(lambda y: y.reshape(batch, time, *y.shape[1:]), outputs)
        slices = [_map(lambda x, t=t: x[:, t], given) for t in range(time)]
        steps = [self._step(x, own, training) for x, own in slices]
        return _map(lambda *ys: jnp.stack(ys, axis=1), *steps)

    def _passed_on(self, mask: Any, batch: Any, time: Any) -> Any:
        """Checks a mask, and returns it if the layer wants it."""
        mask = first_mask(mask)
        if mask is None:
            return None
        if mask.ndim < 2 or mask.shape[:2] != (batch, time):
            raise ValueError(
                f"{self._label()}: the mask must begin with the axes (batch, time) of the input, "
                f"here {(batch, time)}; received the shape {mask.shape}."
            )
        return mask if call_signature(type(self.layer)).mask else None

    def _mixes_no_rows(self) -> bool:
        """Whether all time steps may be one batch: rows do not meet, and nothing is remembered."""
        return _rowwise(self.layer) and not any(
            variable.role == "state" for variable in self.layer.variables
        )

    def _step(self, inputs: Any, mask: Any, training: bool | None) -> Any:
        kwargs: dict[str, Any] = {} if mask is None else {"mask": mask}
        if call_signature(type(self.layer)).training:
            kwargs["training"] = training
        return self.layer(inputs, **kwargs)


def _rowwise(layer: Layer) -> bool:
    return layer.rowwise is True and all(_rowwise(inner) for inner in layer.sublayers())
