"""The base of multi-head attention: projections, masks, weighted averages of values."""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.layers.base import ConfiguredLayer
from cornu.layers.einsum_dense import EinsumDense
from cornu.ops import dot_product_attention, random
from cornu.parts import regularizers
from cornu.registry import Configurable
from cornu.types import ActivationLike, Array, ShapeLike

__all__ = ["HeadedAttention"]


class HeadedAttention(ConfiguredLayer):
    """The base of attention with heads.

    Attributes:
        query_heads, key_heads: how many heads queries have, and how many keys and values have.
        depth, value_depth: sizes of queries and keys, and of values, in each head.
        attention_axes: the axes over which values are averaged; None before the layer is built
            means all but the first and the last.
        output_sizes: sizes of the output's last axes; None for that of the query.
    """

    rowwise = True

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

    def store_arguments(self, arguments: Mapping[str, Any], skip: Collection[str] = ()) -> None:
        """Sets each constructor argument as an attribute, and checks those of every subclass."""
        super().store_arguments(arguments, skip)
        self.supports_masking = True
        self.projection_regularizer = regularizers.get(arguments["activity_regularizer"])
        if self.sliding_window is not None:
            self._check_positive("sliding_window", self.sliding_window)
        if self.flash_attention and self.dropout > 0:
            raise ValueError(
                f"{self._label()}: flash attention does not support dropout. Received: "
                f"flash_attention=True and dropout={self.dropout}. Set one of them only."
            )
        self.seed_generator = random.SeedGenerator(arguments["seed"], name=self.name)

    def _set_heads(self, queries: int, keys: int, depth: int, value_depth: int) -> None:
        self.query_heads, self.key_heads = queries, keys
        self.depth, self.value_depth = depth, value_depth

    def _check_positive(self, name: str, value: Any) -> None:
        if not isinstance(value, int) or value <= 0:
            raise ValueError(
                f"{self._label()}: {name} must be a positive integer. Received: {value!r}"
            )

    def build(
        self, query_shape: ShapeLike, value_shape: ShapeLike, key_shape: ShapeLike | None = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"{self._label()}: each key needs one value. Received: value of shape "
                f"{tuple(value_shape)} and key of shape {tuple(key_shape)}"
            )
        queries, keys = (self.query_heads, self.depth), (self.key_heads, self.depth)
        values, averages = (self.key_heads, self.value_depth), (self.query_heads, self.value_depth)
        self.query_dense = self._into_heads("query", query_shape, queries)
        self.key_dense = self._into_heads("key", key_shape, keys)
        self.gate_dense = None
        if self.use_gate:
            self.gate_dense = self._into_heads("gate", query_shape, averages, "sigmoid")
        self.value_dense = self._into_heads("value", value_shape, values)
        sizes = tuple(self.output_sizes or query_shape[-1:])
        free, made = _letters(query_shape), string.ascii_uppercase[: len(sizes)]
        self.output_dense = self._projection(
            "attention_output",
            f"{free}yz,yz{made}->{free}{made}",
            (*query_shape[:-1], *averages),
            sizes,
        )
        rank = len(value_shape)
        axes = range(1, rank - 1) if self.attention_axes is None else self.attention_axes
        self.attention_axes = tuple(axis % rank for axis in axes)

    def _into_heads(
        self, name: str, shape: Any, sizes: Any, activation: ActivationLike | None = None
    ) -> EinsumDense:
        free = _letters(shape)
        return self._projection(name, f"{free}x,xyz->{free}yz", shape, sizes, activation)

    def _projection(
        self,
        name: str,
        equation: str,
        shape: Any,
        sizes: Any,
        activation: ActivationLike | None = None,
    ) -> EinsumDense:
        """Makes and builds the layer of a projection onto last axes of the given sizes."""
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
        if return_attention_scores and self.flash_attention:
            raise ValueError(
                f"{self._label()}: flash attention does not compute all scores. Create the "
                "layer with flash_attention=None to get them with return_attention_scores=True."
            )
        visible = self._visible(query, value, query_mask, value_mask, key_mask, attention_mask)
        q = _apply(self.query_dense, query)
        k = _apply(self.key_dense, value if key is None else key)
        v = _apply(self.value_dense, value)
        weights = None
        # Where something is masked, both ways differ in the rows that see nothing: zeros or an
        # average. What a layer that drops does there must not depend on the phase.
        drops = self.dropout > 0 and bool(training or visible is not None)
        if return_attention_scores or drops or q.ndim != 4:
            if use_causal_mask:
                visible = _combine_masks(visible, _distances(query, value) >= 0)
            averages, weights = self._by_scores(q, k, v, visible, bool(training))
        else:
            averages = dot_product_attention(
                q,
                k,
                v,
                mask=None if visible is None else _with_heads(visible, 4, 1),
                scale=self.depth**-0.5,
                is_causal=use_causal_mask,
                flash_attention=self.flash_attention,
            )
        if self.gate_dense is not None:
            averages = averages * _apply(self.gate_dense, query)
        outputs = _apply(self.output_dense, averages)
        return (outputs, weights) if return_attention_scores else outputs

    def compute_output_shape(
        self, query_shape: ShapeLike, value_shape: ShapeLike, key_shape: ShapeLike | None = None
    ) -> tuple[int | None, ...]:
        """Returns the shape of the output for shapes of the inputs."""
        shapes = [query_shape, value_shape, *([] if key_shape is None else [key_shape])]
        return self.compute_output_spec(*(Tensor(s, self.compute_dtype) for s in shapes)).shape

    def _visible(
        self,
        query: Array,
        value: Array,
        query_mask: Any,
        value_mask: Any,
        key_mask: Any,
        attention_mask: Any,
    ) -> Any:
        """Returns which steps each query sees, booleans (batch, time, steps), or None for all."""
        visible = None if attention_mask is None else jnp.asarray(attention_mask).astype(bool)
        if query_mask is not None:
            visible = _combine_masks(visible, query_mask[..., None])
        for mask in (value_mask, key_mask):
            if mask is not None:
                visible = _combine_masks(visible, mask[..., None, :])
        if self.sliding_window is not None:
            visible = _combine_masks(
                visible, jnp.abs(_distances(query, value)) < self.sliding_window
            )
        return visible

    def _by_scores(self, q: Array, k: Array, v: Array, visible: Any, training: bool) -> Any:
        """Returns averages of values over any axes, and the weights of the values."""
        if self.key_heads < self.query_heads:
            shared = self.query_heads // self.key_heads
            k, v = (jnp.repeat(x, shared, axis=-2) for x in (k, v))
        axes = len(self.attention_axes)
        fit, average = _equations(q.ndim - 1, self.attention_axes)
        scores = jnp.einsum(fit, k, q * jnp.asarray(self.depth**-0.5, q.dtype))
        weights = _softmax(scores, visible, axes)
        kept = weights
        if training and self.dropout > 0:
            kept = random.dropout(weights, self.dropout, seed=self.seed_generator)
        return jnp.einsum(average, kept, v), weights


def _apply(projection: Layer, x: Any) -> Any:
    # Not a call: masks are followed here, the projections need not know of them.
    return projection.run((x,), {})


def _recreate(initializer: Any) -> Any:
    """Makes an initializer again, so that one without seed gives other numbers."""
    if isinstance(initializer, Configurable):
        return type(initializer).from_config(initializer.get_config())
    return initializer


def _letters(shape: Any) -> str:
    """Letters for the axes of a projection but the last."""
    return string.ascii_lowercase[: len(shape) - 1]


def _distances(query: Array, value: Array) -> Any:
    """How far each step is before each query's own, (1, time, steps)."""
    return (jnp.arange(query.shape[1])[:, None] - jnp.arange(value.shape[1]))[None]


def _combine_masks(visible: Any, mask: Any) -> Any:
    mask = jnp.asarray(mask).astype(bool)
    return mask if visible is None else visible & mask


def _equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """The equations of scores and averages for inputs of some rank, averaged over some axes."""
    times = string.ascii_lowercase[: rank - 1]
    steps = "".join(letter.upper() if i in axes else letter for i, letter in enumerate(times))
    shared = "".join(letter for i, letter in enumerate(times) if i not in axes)
    scores = f"{shared}y{''.join(times[i] for i in axes)}{''.join(steps[i] for i in axes)}"
    return f"{steps}yz,{times}yz->{scores}", f"{scores},{steps}yz->{times}yz"


def _with_heads(mask: Any, rank: int, axes: int) -> Any:
    """Gives a mask (batch, times, steps) the axes of scores that it lacks."""
    for _ in range(rank - mask.ndim):
        mask = jnp.expand_dims(mask, -2 * axes - 1)
    return mask


def _softmax(scores: Any, visible: Any, axes: int) -> Any:
    """Softmax over the last axes of what is visible; zeros where nothing is."""
    over = tuple(range(-axes, 0))
    if visible is None:
        return jax.nn.softmax(scores, axis=over)
    visible = _with_heads(visible, scores.ndim, axes)
    low = -3e4 if scores.dtype == jnp.float16 else -1e9
    return jnp.where(visible, jax.nn.softmax(jnp.where(visible, scores, low), axis=over), 0)
