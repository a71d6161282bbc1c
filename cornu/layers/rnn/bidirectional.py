"""Bidirectional: processes sequences in both directions of time."""

from __future__ import annotations

from collections.abc import Callable
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


_MERGE: dict[str | None, Callable[[Any, Any], Any]] = {
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "concat": lambda forward, backward: jnp.concatenate([forward, backward], axis=-1),
    None: lambda forward, backward: (forward, backward),
}


class Bidirectional(Layer):
    """Wrapper that applies a recurrent layer in both directions of time.

    The constructor creates two copies of the layer, `forward_layer` and `backward_layer`, with
    separate weights.

    Args:
        layer: a recurrent layer such as `LSTM`, or another layer that processes sequences and has
            the attributes `go_backwards`, `return_sequences`, `return_state` and `stateful`.
        merge_mode: how to combine the outputs: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or `None`
            to return a tuple of both.
        weights: the initial weights: those of the forward layer, then those of the backward layer.
        backward_layer: the layer for the backward direction; a copy of `layer` by default.
        **kwargs: passed to `Layer`.

    Call arguments:
        sequences: the input sequences.
        initial_state: the initial states of the forward layer, followed by those of the backward
            layer.
        mask: a boolean array (batch, time). With `return_sequences`, the output is zero at masked
            steps.
        training: passed to the layers, if they accept it.

    Shapes: sequences (batch, time, features) -> (batch, 2 * units), or (batch, time, 2 * units)
        with `return_sequences`; units instead of 2 * units if `merge_mode` is not `"concat"`.
        With `return_state` a tuple of the output, the forward states and the backward states.

    Raises:
        ValueError: the two layers are incompatible, or the merge mode is unknown.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.Bidirectional(cornu.layers.LSTM(4, return_sequences=True))
    >>> layer(cornu.Input((10, 8))).shape
    (None, 10, 8)

    References: Mike Schuster, Kuldip K. Paliwal (1997), "Bidirectional recurrent neural networks".
    """

    _rowwise_ = True
    _argument_attributes_ = {"layer": "forward_layer"}

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_layer(layer, "layer", self._label_())
        if merge_mode not in _MERGE:
            raise ValueError(
                f"{self._label_()}: unknown merge_mode {merge_mode!r}. "
                f"{suggest(merge_mode, _MERGE)}"
            )
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, "forward_", layer.go_backwards)
        if backward_layer is None:
            self.backward_layer = _copy(layer, "backward_", True)
        else:
            self.backward_layer = check_layer(backward_layer, "backward_layer", self._label_())
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            # As in Keras, outputs at masked steps are zero, not repeated, in both directions.
            if isinstance(one, RNN):
                one.zero_output_for_mask = one.return_sequences
        self.initial_weights = weights
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments except `weights`, which are saved as weights."""
        return {name: x for name, x in super().get_config().items() if name != "weights"}

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"{self._label_()}: one layer must have go_backwards=True and the other one False. "
                f"Received: {forward.go_backwards} in both layers."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            one, other = getattr(forward, name), getattr(backward, name)
            if one != other:
                raise ValueError(
                    f"{self._label_()}: both layers must have the same {name}. "
                    f"Received: {one} (forward) and {other} (backward)."
                )

    def build(self, sequences_shape: ShapeLike, initial_state_shape: PyTree = None) -> None:
        """Builds both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
                layer.built = True
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)
            self.initial_weights = None

    def compute_output_shape(
        self, sequences_shape: ShapeLike, initial_state_shape: PyTree = None
    ) -> PyTree:
        """Returns the shape of the output, and the shapes of the states with `return_state`."""
        return super().compute_output_shape(sequences_shape, initial_state_shape)

    def call(
        self,
        sequences: Array,
        initial_state: PyTree = None,
        mask: Array | None = None,
        training: bool | None = None,
    ) -> Any:
        """Returns the merged outputs, and the states with `return_state`."""
        forward_state = backward_state = None
        if initial_state is not None:
            half = len(initial_state) // 2
            forward_state, backward_state = initial_state[:half], initial_state[half:]
        forward, forward_states = self._run(
            self.forward_layer, sequences, forward_state, mask, training
        )
        backward, backward_states = self._run(
            self.backward_layer, sequences, backward_state, mask, training
        )
        if self.return_sequences:
            # A layer with go_backwards returns its outputs in the order of processing.
            backward = jnp.flip(backward, axis=1)
        output = _MERGE[self.merge_mode](forward, backward)
        if not self.return_state:
            return output
        outputs = output if self.merge_mode is None else (output,)
        return (*outputs, *forward_states, *backward_states)

    def _run(
        self, layer: Any, sequences: Array, state: Any, mask: Any, training: bool | None
    ) -> Any:
        """Returns the output of a layer, and its states if it returns them."""
        optional = {"initial_state": state, "mask": mask, "training": training}
        accepted = call_signature(type(layer)).names
        outputs = layer(
            sequences,
            **{name: x for name, x in optional.items() if name in accepted and x is not None},
        )
        output, *states = outputs if self.return_state else (outputs,)
        return output.astype(self.compute_dtype), states

    def compute_mask(self, _: Any, mask: Any) -> Any:
        """Returns the mask of the sequences with `return_sequences`, else None."""
        mask = first_mask(mask)
        if mask is None or not self.return_sequences:
            return None
        return (mask, mask) if self.merge_mode is None else mask

    @property
    def states(self) -> Any:
        """The states of both stateful layers, or None."""
        if not self.stateful or not self.built:
            return None
        return (*self.forward_layer.states, *self.backward_layer.states)

    def reset_state(self) -> None:
        """Sets the states of stateful layers to zero."""
        if not self.stateful:
            raise AttributeError(f"{self._label_()} is not stateful: it has no state to reset.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """Sets the states of stateful layers to zero; the older name of `reset_state`."""
        self.reset_state()


def _copy(layer: Any, prefix: str, go_backwards: bool) -> Any:
    """Creates a layer with the same constructor arguments but another name and direction."""
    # The config contains the copy, whose name has the prefix already.
    name = prefix + layer.name.removeprefix(prefix)
    copy = _rebuild(layer, name=name, go_backwards=go_backwards)
    copy.trainable = layer.trainable
    return copy


def _rebuild(value: Any, **changes: Any) -> Any:
    """Copies an object and the objects in its constructor arguments, without their weights."""
    if isinstance(value, Configurable):
        if type(value).get_config is not value._library_class_().get_config:
            # The program says itself what its constructor takes.
            return type(value).from_config({**value.get_config(), **changes})
        arguments = {name: _rebuild(x) for name, x in value._constructor_arguments_().items()}
        return type(value)(**{**arguments, **changes})
    if type(value) in (list, tuple):
        return type(value)(_rebuild(item) for item in value)
    return value
