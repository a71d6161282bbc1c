"""Base class of multi-head attention: projections, masks and attention over any axes."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from cornu.core.layer.layer import Layer
from cornu.core.state.placement import gather_steps
from cornu.layers.arguments import positive_int
from cornu.layers.base import ConfiguredLayer
from cornu.layers.einsum_dense import EinsumDense
from cornu.ops import dot_product_attention, random
from cornu.ops.precision import masked_softmax, wide_softmax
from cornu.parts import regularizers
from cornu.registry import Configurable
from cornu.types import ActivationLike, Array, PyTree, ShapeLike

__all__ = ["HeadedAttention"]


class HeadedAttention(ConfiguredLayer):
    """Base class of attention layers with several heads.

    Attributes:
        query_heads, key_heads: the number of query heads, and of key and value heads.
        depth, value_depth: the size of queries and keys, and of values, in each head.
        attention_axes: the axes over which attention is computed. Before the layer is built, None
            means all axes except the first and the last.
        output_sizes: the sizes of the last axes of the output; None for that of the query.
    """

    _rowwise_ = True

    dropout: float
    sliding_window: int | None
    flash_attention: bool | None
    use_gate: bool
    kernel_initializer: Callable[..., Any]
    bias_initializer: Callable[..., Any]
    kernel_regularizer: Callable[[Any], Any] | None
    bias_regularizer: Callable[[Any], Any] | None
    projection_regularizer: Callable[[Any], Any] | None
    kernel_constraint: Callable[[Any], Any] | None
    bias_constraint: Callable[[Any], Any] | None
    attention_axes: Any = None
    output_sizes: Any = None

    def store_arguments(self, arguments: Mapping[str, Any], skip: tuple[str, ...] = ()) -> None:
        """Stores the constructor arguments, and validates those that all subclasses have."""
        super().store_arguments(arguments, skip)
        self.supports_masking = True
        self.projection_regularizer = regularizers.get(arguments["activity_regularizer"])
        if self.sliding_window is not None:
            self._check_positive("sliding_window")
        if self.flash_attention and self.dropout > 0:
            raise ValueError(
                f"{self._label_()}: flash attention does not support dropout. Received: "
                f"flash_attention=True and dropout={self.dropout}. Set only one of them."
            )
        self.seed_generator = random.SeedGenerator(arguments["seed"], name=self.name)

    def _set_heads(self, queries: int, keys: int, depth: int, value_depth: int) -> None:
        self.query_heads, self.key_heads = int(queries), int(keys)
        self.depth, self.value_depth = int(depth), int(value_depth)

    def _check_positive(self, *names: str) -> None:
        """Checks attributes that must be positive integers, and converts them to int."""
        for name in names:
            setattr(self, name, positive_int(self._label_(), name, getattr(self, name)))

    # As in Keras, `build` takes one shape for each array argument of `call`.
    def build(  # type: ignore[override]
        self, query_shape: ShapeLike, value_shape: ShapeLike, key_shape: ShapeLike | None = None
    ) -> None:
        """Creates and builds the projections."""
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"{self._label_()}: keys and values must have the same length. Received: value of "
                f"shape {tuple(value_shape)} and key of shape {tuple(key_shape)}"
            )
        # The projections are created in Keras's order, which is the order of `weights`.
        queries, keys = (self.query_heads, self.depth), (self.key_heads, self.depth)
        values, averages = (self.key_heads, self.value_depth), (self.query_heads, self.value_depth)
        self.query_dense = self._head_projection("query", query_shape, queries)
        self.key_dense = self._head_projection("key", key_shape, keys)
        self.gate_dense = None
        if self.use_gate:
            self.gate_dense = self._head_projection("gate", query_shape, averages, "sigmoid")
        self.value_dense = self._head_projection("value", value_shape, values)
        sizes = tuple(self.output_sizes or query_shape[-1:])
        outer, inner = _axis_letters(query_shape), string.ascii_uppercase[: len(sizes)]
        self.output_dense = self._projection(
            "attention_output",
            f"{outer}yz,yz{inner}->{outer}{inner}",
            (*query_shape[:-1], *averages),
            sizes,
        )
        # Attention over all axes between the batch and the features, unless axes are given.
        rank = len(value_shape)
        axes = range(1, rank - 1) if self.attention_axes is None else self.attention_axes
        self.attention_axes = tuple(axis % rank for axis in axes)

    def _head_projection(
        self, name: str, shape: Any, sizes: Any, activation: ActivationLike | None = None
    ) -> EinsumDense:
        outer = _axis_letters(shape)
        return self._projection(name, f"{outer}x,xyz->{outer}yz", shape, sizes, activation)

    def _projection(
        self,
        name: str,
        equation: str,
        shape: Any,
        sizes: Any,
        activation: ActivationLike | None = None,
    ) -> EinsumDense:
        """Creates and builds a projection whose output has last axes of the given sizes."""
        outputs = equation.partition("->")[2]
        layer = EinsumDense(
            equation,
            output_shape=(None,) * (len(outputs) - 1 - len(sizes)) + sizes,
            activation=activation,
            bias_axes=outputs[-len(sizes) :] if self.use_bias else None,
            kernel_initializer=_recreate(self.kernel_initializer),
            bias_initializer=_recreate(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self.projection_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build(tuple(shape))
        return layer

    def compute_output_shape(
        self, query_shape: ShapeLike, value_shape: ShapeLike, key_shape: ShapeLike | None = None
    ) -> PyTree:
        """Returns the shape of the output."""
        return super().compute_output_shape(query_shape, value_shape, key_shape)

    def call(
        self,
        query: Array,
        value: Array,
        key: Array | None = None,
        query_mask: Array | None = None,
        value_mask: Array | None = None,
        key_mask: Array | None = None,
        attention_mask: Array | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Returns the attention output, and the weights with `return_attention_scores`."""
        if return_attention_scores and self.flash_attention:
            raise ValueError(
                f"{self._label_()}: flash attention does not compute the attention scores. "
                "Create the layer with flash_attention=None to use return_attention_scores=True."
            )
        visible = self._merge_masks(query, value, query_mask, value_mask, key_mask, attention_mask)
        q = _apply(self.query_dense, query)
        k = _apply(self.key_dense, value if key is None else key)
        v = _apply(self.value_dense, value)
        averages, weights = self._attend_(
            q, k, v, visible, bool(training), return_attention_scores, use_causal_mask
        )
        if self.gate_dense is not None:
            averages = averages * _apply(self.gate_dense, query)
        outputs = _apply(self.output_dense, averages)
        return (outputs, weights) if return_attention_scores else outputs

    def _merge_masks(
        self,
        query: Array,
        value: Array,
        query_mask: Any,
        value_mask: Any,
        key_mask: Any,
        attention_mask: Any,
    ) -> Any:
        """Returns the positions each query attends to, booleans (batch, time, steps), or None."""
        visible = None if attention_mask is None else jnp.asarray(attention_mask).astype(bool)
        if query_mask is not None:
            visible = _combine_masks(visible, query_mask[..., None])
        for mask in (value_mask, key_mask):
            if mask is not None:
                visible = _combine_masks(visible, mask[..., None, :])
        if self.sliding_window is not None:
            visible = _combine_masks(
                visible, jnp.abs(_relative_positions(query, value)) < self.sliding_window
            )
        return visible

    def _attend_(
        self,
        q: Array,
        k: Array,
        v: Array,
        visible: Any,
        training: bool,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:
        """Returns the attention output of projected inputs, and the weights or None.

        Args:
            q, k, v: queries, keys and values of each head.
            visible: the positions each query attends to (batch, time, steps), or None for all.
            training: whether dropout is applied.
            return_attention_scores: whether the weights are needed.
            use_causal_mask: whether each query attends only to positions up to its own.
        """
        visible = None if visible is None else jnp.asarray(visible).astype(bool)
        # For a query that attends to nothing, the explicit computation gives zeros and
        # dot_product_attention an average of the values. With dropout and a mask, the former is
        # used in inference too, so that the result does not depend on the phase.
        needs_weights = self.dropout > 0 and bool(training or visible is not None)
        if return_attention_scores or needs_weights or q.ndim != 4:
            if use_causal_mask:
                visible = _combine_masks(visible, _relative_positions(q, k) >= 0)
            return self._weigh(q, k, v, visible, training)
        averages = dot_product_attention(
            q,
            k,
            v,
            mask=None if visible is None else _insert_head_axes(visible, 4, 1),
            scale=self.depth**-0.5,
            is_causal=use_causal_mask,
            flash_attention=self.flash_attention,
        )
        return averages, None

    def _weigh(self, q: Array, k: Array, v: Array, visible: Any, training: bool) -> tuple[Any, Any]:
        """Returns the attention output over any axes, and the attention weights."""
        k, v = gather_steps(k), gather_steps(v)
        if self.key_heads < self.query_heads:
            shared = self.query_heads // self.key_heads
            # Consecutive query heads share a key head, as in dot_product_attention.
            k, v = (jnp.repeat(x, shared, axis=-2) for x in (k, v))
        axes = len(self.attention_axes)
        score_equation, output_equation = _einsum_equations(q.ndim - 1, self.attention_axes)
        # The smaller operand, the query, is scaled, not the scores.
        scores = jnp.einsum(score_equation, k, q * jnp.asarray(self.depth**-0.5, q.dtype))
        weights = _masked_softmax(scores, visible, axes)
        dropped = weights
        if training and self.dropout > 0:
            dropped = random.dropout(weights, self.dropout, seed=self.seed_generator)
        # As in Keras, the weights are returned as they were before dropout.
        return jnp.einsum(output_equation, dropped, v), weights


def _apply(projection: Layer, x: Any) -> Any:
    # `run` instead of a call, which would propagate masks: this layer handles them itself.
    return projection._run_((x,), {})


def _recreate(initializer: Any) -> Any:
    """Returns a new copy of an initializer, so that an unseeded one gives other values."""
    if isinstance(initializer, Configurable):
        return type(initializer).from_config(initializer.get_config())
    return initializer


def _axis_letters(shape: Any) -> str:
    """Returns letters for all axes of a projection except the last."""
    return string.ascii_lowercase[: len(shape) - 1]


def _relative_positions(query: Array, value: Array) -> Any:
    """Returns the query position minus the value position, (1, time, steps)."""
    return (jnp.arange(query.shape[1])[:, None] - jnp.arange(value.shape[1]))[None]


def _combine_masks(visible: Any, mask: Any) -> Any:
    mask = jnp.asarray(mask).astype(bool)
    return mask if visible is None else visible & mask


def _einsum_equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """Returns the einsum equations of scores and output for attention over `axes`."""
    times = string.ascii_lowercase[: rank - 1]
    steps = "".join(letter.upper() if i in axes else letter for i, letter in enumerate(times))
    shared = "".join(letter for i, letter in enumerate(times) if i not in axes)
    scores = f"{shared}y{''.join(times[i] for i in axes)}{''.join(steps[i] for i in axes)}"
    return f"{steps}yz,{times}yz->{scores}", f"{scores},{steps}yz->{times}yz"


def _insert_head_axes(mask: Any, rank: int, axes: int) -> Any:
    """Inserts the head axes of the scores into a mask (batch, time, steps)."""
    for _ in range(rank - mask.ndim):
        mask = jnp.expand_dims(mask, -2 * axes - 1)
    return mask


def _masked_softmax(scores: Any, visible: Any, axes: int) -> Any:
    """Returns the softmax over the last axes, restricted to visible positions.

    Rows without a visible position are zero.
    """
    over = tuple(range(-axes, 0))
    if visible is None:
        return wide_softmax(scores, axis=over)
    visible = _insert_head_axes(visible, scores.ndim, axes)
    return masked_softmax(scores, visible, over)
