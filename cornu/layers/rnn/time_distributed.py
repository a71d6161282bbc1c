"""TimeDistributed: applies a layer to every time step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.core.state import scope
from cornu.layers.rnn.cell_protocol import first_mask
from cornu.layers.wrapper import Wrapper
from cornu.types import Array, ShapeLike

__all__ = ["TimeDistributed"]

# Unlike `cornu.tree.map`, None is not a leaf, so that an absent mask stays None.
_map = jax.tree_util.tree_map


class TimeDistributed(Wrapper):
    """Wrapper that applies a layer to every time step, with the same weights.

        outputs[:, t] = layer(inputs[:, t])

    Args:
        layer: the layer to apply.
        **kwargs: passed to `Layer`.

    Call arguments:
        inputs: an array, or a structure of arrays with the same batch and time axes.
        training: passed to the layer, if it accepts it.
        mask: a boolean array (batch, time, ...). The layer receives the slice of each step, if it
            accepts masks.

    Shapes: inputs (batch, time, ...) -> (batch, time, ...), where the remaining axes are
        those of the layer.

    Raises:
        ValueError: the input has no time axis, or the mask does not have its batch and time axes.

    Example:

    >>> import cornu
    >>> frames = cornu.Input((10, 32, 32, 3))
    >>> cornu.layers.TimeDistributed(cornu.layers.Conv2D(8, 3))(frames).shape
    (None, 10, 30, 30, 8)

    Note: if the layer treats rows independently, all time steps are processed as one large batch.
    Layers with statistics, such as BatchNormalization, process the steps one after another, as in
    Keras.

    Differences: the layer computes with its own dtype policy; in Keras, with that of
    TimeDistributed.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: ShapeLike | None = None) -> None:
        """Builds the wrapped layer for a single time step."""
        super().build(self._without_time(input_shape))

    def _without_time(self, shape: Any) -> Any:
        """Returns the input shape, or shapes, without the time axis."""
        if isinstance(shape, dict):
            return {name: self._without_time(one) for name, one in shape.items()}
        if any(isinstance(one, (list, tuple)) for one in shape):
            return [self._without_time(one) for one in shape]
        if len(shape) < 3:
            raise ValueError(
                f"{self._label_()}: expected an input (batch, time, ...) with at least 3 axes; "
                f"received the shape {tuple(shape)}.\nIf there is no time axis, call the layer "
                "directly."
            )
        return (shape[0], *shape[2:])

    def call(self, inputs: Any, training: bool | None = None, mask: Array | None = None) -> Any:
        """Returns the outputs of all time steps, stacked along axis 1."""
        batch, time = tree.leaves(inputs)[0].shape[:2]
        arguments = (inputs, self._select_mask(mask, batch, time))
        # A loop over the steps needs their number, which may be unknown while a graph is built.
        if self._is_foldable() or not isinstance(time, int):
            x, own = _map(lambda x: x.reshape(batch * time, *x.shape[2:]), arguments)
            outputs = self._step(x, own, training)
            return _map(lambda y: y.reshape(batch, time, *y.shape[1:]), outputs)
        if scope.current().inferring_shapes and time:  # those of all steps are equal
            x, own = _map(lambda x: x[:, 0], arguments)
            output = self._step(x, own, training)
            return _map(lambda y: jnp.repeat(y[:, None], time, axis=1), output)
        slices = [_map(lambda x, t=t: x[:, t], arguments) for t in range(time)]
        steps = [self._step(x, own, training) for x, own in slices]
        return _map(lambda *ys: jnp.stack(ys, axis=1), *steps)

    def _select_mask(self, mask: Any, batch: Any, time: Any) -> Any:
        """Validates a mask, and returns it if the layer accepts masks."""
        mask = first_mask(mask)
        if mask is None:
            return None
        if mask.ndim < 2 or mask.shape[:2] != (batch, time):
            raise ValueError(
                f"{self._label_()}: the first two axes of the mask must be (batch, time) of the "
                f"input, {(batch, time)}; received a mask of shape {mask.shape}."
            )
        return mask if call_signature(type(self.layer)).mask else None

    def _is_foldable(self) -> bool:
        """Returns whether all time steps can be one batch: rows are independent, without state."""
        return _is_rowwise(self.layer) and not any(
            variable.role == "state" for variable in self.layer.variables
        )

    def _step(self, inputs: Any, mask: Any, training: bool | None) -> Any:
        kwargs: dict[str, Any] = {} if mask is None else {"mask": mask}
        if call_signature(type(self.layer)).training:
            kwargs["training"] = training
        return self.layer(inputs, **kwargs)


def _is_rowwise(layer: Layer) -> bool:
    """Returns whether a layer and its sublayers treat rows independently."""
    return layer._rowwise_ is True and all(_is_rowwise(inner) for inner in layer._sublayers_())
