"""What the checks of one row share: the layers of both libraries, and what they computed.

Keras runs eagerly; the layer here is compiled twice, once for inference and once for training
with gradients. Everything is computed when it is first asked for.
"""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask

import cornu
from cornu import tree
from cornu.core.state import scope
from tests.conformance.table import Call, LayerRow


class Result(NamedTuple):
    """What came out of one call, as NumPy arrays."""

    outputs: list[np.ndarray]
    masks: list[np.ndarray | None]
    loss: float
    rest: list[np.ndarray]  # weights that are not trained, after the call
    warned: bool  # that a mask gets lost


class Gradients(NamedTuple):
    """A result in training (in inference for a random row), and gradients of a sum over it."""

    result: Result
    weights: list[np.ndarray]
    inputs: list[np.ndarray]


class Case:
    """One row at work."""

    def __init__(self, row: LayerRow) -> None:
        self.row = row
        self.call = _arrays(row.call())
        self.masks = _arrays(row.masks())
        self.traces = 0
        self.phase = not row.random  # the phase in which gradients are compared

    # ------------------------------------------------------------------------------- the layers

    @functools.cached_property
    def theirs(self) -> Any:
        """Keras's layer, built, with weights that are not all zero."""
        layer = self.row.make(keras)
        layer(*self.call.args, **self.call.kwargs)
        rng = np.random.default_rng(3)
        for variable in layer.weights:
            variable.assign(_moved(np.asarray(variable.value), rng))
        return layer

    @functools.cached_property
    def values(self) -> list[np.ndarray]:
        """The weights that every layer of this row gets."""
        return [np.asarray(variable.value) for variable in self.theirs.weights]

    @functools.cached_property
    def ours(self) -> Any:
        """The layer here, with these weights."""
        return self.built(self.row.make(cornu))

    def built(self, layer: Any) -> Any:
        """Builds a layer by a call, and gives it the weights."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layer(*self.call.args, **self.call.kwargs)
        layer.set_weights(self.values)
        return layer

    # ------------------------------------------------------------------------------ the results

    def eager(self, layer: Any, training: bool = False, call: Call | None = None) -> Result:
        """Calls a layer here, and puts its weights back."""
        call = call or self.call
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self._attach(call, scope.current().masks.put)
            outputs = layer(*call.args, **call.kwargs, training=training)
        masks = [scope.current().masks.get(y) for y in tree.leaves(outputs)]
        result = Result(
            _numpy(outputs),
            _numpy(masks),
            float(sum(layer.losses)),
            _numpy([v.value for v in layer.non_trainable_weights]),
            _lost(caught),
        )
        layer.set_weights(self.values)
        return result

    @functools.cached_property
    def eager_inference(self) -> Result:
        """The result of the eager layer here."""
        return self.eager(self.ours)

    @functools.cached_property
    def keras_inference(self) -> Result:
        """Keras's result in inference."""
        return self._keras(*self._keras_weights(), self.call, training=False)[1]

    @functools.cached_property
    def keras_gradients(self) -> Gradients:
        """Keras's result and gradients in training."""
        trained, rest = self._keras_weights()
        slots, values = self._varied()

        def total(trained: Any, values: Any) -> Any:
            call = self._filled(slots, values)
            outputs, result = self._keras(trained, rest, call, self.phase, jnp.asarray)
            return _weighted(outputs) + result.loss, result

        grads, result = jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))(trained, values)
        return Gradients(Result(*map(_numpy_or_same, result)), *map(_numpy, grads))

    @functools.cached_property
    def inference(self) -> Callable[[Any], Any]:
        """The compiled layer here: from values of its weights to (outputs, values after)."""
        layer = self.ours

        def run(key: Any) -> Any:
            self.traces += 1
            self._attach(self.call, scope.current().masks.put)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return layer(*self.call.args, **self.call.kwargs, training=False)

        lifted = scope.pure(run, layer.variables)
        return jax.jit(lambda values, key: lifted(values, key, key)[:2])

    @functools.cached_property
    def gradients(self) -> Gradients:
        """The result and gradients of the compiled layer here."""
        layer = self.ours
        slots, values = self._varied()
        trained, rest = layer.trainable_variables, layer.non_trainable_variables

        def run(values: Any) -> Any:
            call = self._filled(slots, values)
            self._attach(call, scope.current().masks.put)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outputs = layer(*call.args, **call.kwargs, training=self.phase)
            masks = [scope.current().masks.get(y) for y in tree.leaves(outputs)]
            penalties = [v.regularizer(v) for v in trained if v.regularizer is not None]
            return outputs, masks, sum(penalties)

        lifted = scope.pure(run, trained + rest)

        def total(trained_values: Any, values: Any, rest_values: Any, key: Any) -> Any:
            (outputs, masks, penalty), after, losses = lifted(
                (*trained_values, *rest_values), key, values
            )
            loss = penalty + sum(losses)
            kept = [
                value
                for variable, value in zip(rest, after[len(trained) :], strict=True)
                if variable.role != "metric"
            ]
            return _weighted(outputs) + loss, (outputs, masks, loss, kept)

        grads, (outputs, masks, loss, kept) = jax.jit(
            jax.grad(total, argnums=(0, 1), has_aux=True)
        )([v.value for v in trained], values, [v.value for v in rest], jax.random.key(0))
        result = Result(_numpy(outputs), _numpy(masks), float(loss), _numpy(kept), False)
        return Gradients(result, *map(_numpy, grads))

    # ---------------------------------------------------------------------------------- helpers

    def _attach(self, call: Call, put: Callable[[Any, Any], None]) -> None:
        if self.masks is not None:
            for x, mask in zip(tree.leaves(call.args[0]), tree.leaves(self.masks), strict=True):
                if mask is not None:
                    put(x, mask)

    def _keras_weights(self) -> tuple[list[Any], list[Any]]:
        layer = self.theirs
        trained = [v.value for v in layer.trainable_variables]
        return trained, [v.value for v in layer.non_trainable_variables]

    def _keras(
        self, trained: Any, rest: Any, call: Call, training: bool, number: Any = float
    ) -> tuple[Any, Result]:
        layer = self.theirs
        variables = [*layer.trainable_variables, *layer.non_trainable_variables]
        mapping = list(zip(variables, [*trained, *rest], strict=True))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            # Not `stateless_call`, which leaves masks and penalties on activations out.
            with keras.StatelessScope(mapping, collect_losses=True) as around:
                self._attach(call, set_keras_mask)
                outputs = layer(*call.args, **call.kwargs, training=training)
                losses = layer.losses
        masks = [get_keras_mask(y) for y in tree.leaves(outputs)]
        kept = [around.get_current_value(v) for v in layer.non_trainable_weights]
        loss = number(sum(losses)) if losses else 0.0
        return outputs, Result(tree.leaves(outputs), masks, loss, kept, _lost(caught))

    def _varied(self) -> tuple[list[int], list[Any]]:
        """Returns which leaves of the arguments have gradients, and their values."""
        leaves = tree.leaves((self.call.args, self.call.kwargs))
        slots = [] if self.row.integer else [i for i, leaf in enumerate(leaves) if _is_float(leaf)]
        return slots, [leaves[slot] for slot in slots]

    def _filled(self, slots: list[int], values: Any) -> Call:
        leaves, definition = tree.flatten_with_treedef((self.call.args, self.call.kwargs))
        for slot, value in zip(slots, values, strict=True):
            leaves[slot] = value
        return Call(*tree.unflatten(definition, leaves))


def config_of(layer: Any) -> Any:
    """Returns a layer's config as it comes back from a file."""
    return json.loads(json.dumps(layer.get_config()))


def _arrays(structure: Any) -> Any:
    if isinstance(structure, Call):
        return Call(*_arrays((structure.args, structure.kwargs)))
    return tree.map(lambda x: jnp.asarray(x) if isinstance(x, np.ndarray) else x, structure)


def _numpy(structure: Any) -> list[Any]:
    return [None if x is None else np.asarray(x) for x in tree.leaves(structure)]


def _numpy_or_same(value: Any) -> Any:
    return _numpy(value) if isinstance(value, list) else value


def _is_float(x: Any) -> bool:
    return isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jnp.floating)


def _moved(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds a little to weights: biases are not zero, variances stay positive."""
    floating = np.issubdtype(value.dtype, np.floating)
    return value + rng.uniform(0, 0.2, value.shape).astype(value.dtype) if floating else value


def _weighted(outputs: Any) -> Any:
    """Returns a scalar that every element of the outputs moves by another amount."""
    return sum(
        (jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)))
        for y in jax.tree_util.tree_leaves(outputs)
        if _is_float(y)
    )


def _lost(caught: list[Any]) -> bool:
    return any("mask" in str(warning.message) for warning in caught)
