"""Bidirectional: applies a recurrent layer forwards and backwards."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.errors import suggest
from cornu.layers.rnn.cell_protocol import first_mask
from cornu.layers.rnn.rnn import RNN
from cornu.layers.wrapper import check_layer
from cornu.registry import Configurable
from cornu.types import Array, PyTree, ShapeLike

__all__ = ["Bidirectional"]


_MERGE = {
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "concat": lambda forward, backward: jnp.concatenate([forward, backward], axis=-1),
    None: lambda forward, backward: (forward, backward),
}


class Bidirectional(Layer):
    """Applies a recurrent layer in both directions of time.

    Two new layers are made from the constructor arguments of the given one, `forward_layer` and
    `backward_layer`, with weights of their own.

    Args:
        layer: an `RNN` such as `LSTM`, or another layer of sequences that has the attributes
            `go_backwards`, `return_sequences`, `return_state` and `stateful`.
        merge_mode: how the outputs become one: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or `None`
            for a tuple of both.
        weights: the weights that the layers start with: first those of the forward layer.
        backward_layer: the layer for the other direction, instead of one made from `layer`.
        **kwargs: passed to `Layer`.

    Call arguments:
        sequences: the input.
        initial_state: the states of the forward layer, then those of the backward layer.
        mask: booleans (batch, time). With `return_sequences`, outputs of masked steps are zero.
        training: passed on, if the layers take it.

    Shapes: sequences (batch, time, features) -> (batch, 2 * units), or (batch, time, 2 * units)
        with `return_sequences`; units instead of 2 * units with other modes than concatenation.
        With `return_state`, the forward and then the backward states follow in a tuple.

    Raises:
        ValueError: the layers do not belong together, or the mode is unknown.

    Example:

    >>> import cornu
    >>> layer = Bidirectional(cornu.layers.LSTM(4, return_sequences=True))
    >>> layer(cornu.Input((10, 8))).shape
    (None, 10, 8)

    References: Mike Schuster, Kuldip K. Paliwal (1997), "Bidirectional recurrent neural networks".
    """

    rowwise = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_layer(layer, "layer", self._label())
        if merge_mode not in _MERGE:
            raise ValueError(
                f"{self._label()}: unknown merge_mode {merge_mode!r}. {suggest(merge_mode, _MERGE)}"
            )
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, "forward_", layer.go_backwards)
        if backward_layer is None:
            self.backward_layer = _copy(layer, "backward_", True)
        else:
            self.backward_layer = check_layer(backward_layer, "backward_layer", self._label())
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if isinstance(one, RNN):
                one.zero_output_for_mask = one.return_sequences
        self.initial_weights = weights
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def get_config(self) -> dict[str, Any]:
        return {name: x for name, x in super().get_config().items() if name != "weights"}

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"{self._label()}: one layer must have go_backwards=True and the other one False. "
                f"Received: {forward.go_backwards} in both."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            one, other = getattr(forward, name), getattr(backward, name)
            if one != other:
                raise ValueError(
                    f"{self._label()}: both layers must have the same {name}. "
                    f"Received: {one} (forward) and {other} (backward)."
                )

    def build(self, sequences_shape: ShapeLike, initial_state_shape: PyTree = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
                layer.built = True
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)
            self.initial_weights = None

    def call(
        self,
        sequences: Array,
        initial_state: PyTree = None,
        mask: Array | None = None,
        training: bool | None = None,
    ) -> Any:
        forward_state = backward_state = None
        if initial_state is not None:
            half = len(initial_state) // 2
            forward_state, backward_state = initial_state[:half], initial_state[half:]
        y, states = self._run(self.forward_layer, sequences, forward_state, mask, training)
        z, more = self._run(self.backward_layer, sequences, backward_state, mask, training)
        if self.return_sequences:
            z = jnp.flip(z, axis=1)
        output = _MERGE[self.merge_mode](y, z)
        if not self.return_state:
            return output
        return (*(output if self.merge_mode is None else (output,)), *states, *more)

    def _run(
        self, layer: Any, sequences: Array, state: Any, mask: Any, training: bool | None
    ) -> Any:
        """Returns a layer's output, and its states if it returns them."""
        given = {"initial_state": state, "mask": mask, "training": training}
        known = call_signature(type(layer)).names
        outputs = layer(
            sequences,
            **{name: x for name, x in given.items() if name in known and x is not None},
        )
        output, *states = outputs if self.return_state else (outputs,)
        return output.astype(self.compute_dtype), states

    def compute_mask(self, _: Any, mask: Any) -> Any:
        mask = first_mask(mask)
        if mask is None or not self.return_sequences:
            return None
        return (mask, mask) if self.merge_mode is None else mask

    @property
    def states(self) -> Any:
        """The states that are kept of both layers, or None."""
        if not self.stateful or not self.built:
            return None
        return (*self.forward_layer.states, *self.backward_layer.states)

    def reset_state(self) -> None:
        """Sets the states of stateful layers to zero."""
        if not self.stateful:
            raise AttributeError(f"{self._label()} is not stateful: there is nothing to reset.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """Sets the states of stateful layers to zero; the older name of `reset_state`."""
        self.reset_state()


def _copy(layer: Any, prefix: str, go_backwards: bool) -> Any:
    """Makes a layer with the same constructor arguments, another name and direction."""
    name = prefix + layer.name.removeprefix(prefix)
    copy = _rebuild(layer, name=name, go_backwards=go_backwards)
    copy.trainable = layer.trainable
    return copy


def _rebuild(value: Any, **changes: Any) -> Any:
    """Makes an object and those in its constructor arguments again; other values are kept."""
    if isinstance(value, Configurable):
        arguments = {name: _rebuild(x) for name, x in value.constructor_arguments().items()}
        return type(value)(**{**arguments, **changes})
    if type(value) in (list, tuple):
        return type(value)(_rebuild(item) for item in value)
    return value
