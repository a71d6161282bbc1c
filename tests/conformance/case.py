"""What the checks of one row share: the layers of both libraries, and what they computed.

Keras is compiled once, for inference and gradients together; the layer here runs eagerly, and is
compiled twice, for inference and for training with gradients. Everything is computed when it is
first asked for.
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
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from tests.compiling import jit_reference
from tests.conformance.table import Call, LayerRow


class Result(NamedTuple):
    """The results of one call, as NumPy arrays."""

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
    """Layers and results of one row."""

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
        arguments = self.call.args, self.call.kwargs
        if not self.row.integer:  # lookups behave otherwise once they were called symbolically
            arguments = tree.map(_symbolic, arguments)
        try:
            layer(*arguments[0], **arguments[1])  # builds the layer and computes nothing
        except ValueError:  # a few layers of Keras infer shapes only where sizes are equal
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

    @property
    def keras_inference(self) -> Result:
        """Keras's result in inference."""
        return self._keras_results[0]

    @property
    def keras_gradients(self) -> Gradients:
        """Keras's result and gradients in training."""
        return self._keras_results[1]

    @functools.cached_property
    def keras_eager(self) -> Result:
        """Keras's result in inference without compiling."""
        return self._keras(*self._keras_weights(), self.call, training=False)[1]

    @functools.cached_property
    def _keras_results(self) -> tuple[Result, Gradients]:
        """Both, from one program: compiling is most of the time of a row."""
        trained, rest = self._keras_weights()
        slots, values = self._varied()
        warned = []

        def total(trained: Any, values: Any) -> Any:
            call = self._filled(slots, values)
            outputs, result = self._keras(trained, rest, call, self.phase)
            still = self._keras(trained, rest, call, False)[1] if self.phase else result
            warned.extend([still.warned, result.warned])
            return _weighted(outputs) + result.loss, (still[:-1], result[:-1])

        gradient = jax.grad(total, argnums=(0, 1), has_aux=True)
        grads, results = jit_reference(gradient)(trained, values)
        if not all(np.isfinite(leaf).all() for leaf in jax.tree_util.tree_leaves(grads)):
            # XLA's rewriting of logarithms made NaN of Keras's MelSpectrogram.
            warned.clear()
            grads, results = gradient(trained, values)
        still, result = (
            Result(*map(_numpy_or_same, values), warned=flag)
            for values, flag in zip(results, warned, strict=True)
        )
        return still, Gradients(result, *map(_numpy, grads))

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

        functional = scope.pure(run, layer.variables)
        return jax.jit(lambda values, key: functional(values, key, key)[:2])

    @functools.cached_property
    def gradients(self) -> Gradients:
        """The result and gradients of the compiled layer here."""
        slots, values = self._varied()
        run, trained, rest = self._pure(self.ours, self.phase)

        def total(trained: Any, values: Any, rest: Any) -> Any:
            outputs, result = run(trained, rest, self._filled(slots, values))
            return _weighted(outputs) + result.loss, result[:-1]

        grads, result = jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))(
            trained, values, rest
        )
        return Gradients(Result(*map(_numpy_or_same, result), False), *map(_numpy, grads))

    def call_on_tensors(self, layer: Any, batch: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Calls a new layer on Tensors, and gives it the weights.

        Args:
            layer: a layer that is not built.
            batch: whether the size of the batch is known.

        Returns the Tensors (masks last) and the outputs.
        """

        def tensor(x: Any) -> Any:
            if not isinstance(x, jax.Array):
                return x
            first = x.shape[:1] if batch else (None,) * min(x.ndim, 1)
            return Tensor((*first, *x.shape[1:]), x.dtype.name)

        args, kwargs = tree.map(tensor, (self.call.args, self.call.kwargs))
        masks = tree.map(tensor, self.masks)
        if masks is not None:
            for x, mask in zip(tree.leaves(args[0]), tree.leaves(masks), strict=True):
                x.mask = mask
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outputs = layer(*args, **kwargs)
        layer.set_weights(self.values)
        inputs = [x for x in tree.leaves((args, kwargs, masks)) if isinstance(x, Tensor)]
        return inputs, tree.leaves(outputs)

    # ---------------------------------------------------------------------------------- helpers

    def _pure(self, layer: Any, training: bool) -> tuple[Callable[..., Any], list[Any], list[Any]]:
        """Returns a pure function of (trained values, other values, call), and these values."""
        trained, rest = layer.trainable_variables, layer.non_trainable_variables

        def call_layer(call: Call) -> Any:
            self._attach(call, scope.current().masks.put)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outputs = layer(*call.args, **call.kwargs, training=training)
            masks = [scope.current().masks.get(y) for y in tree.leaves(outputs)]
            penalties = [v.regularizer(v) for v in trained if v.regularizer is not None]
            return outputs, masks, sum(penalties)

        functional = scope.pure(call_layer, trained + rest)

        def run(trained_values: Any, rest_values: Any, call: Call) -> tuple[Any, Result]:
            values, key = (*trained_values, *rest_values), jax.random.key(0)
            (outputs, masks, penalty), after, losses = functional(values, key, call)
            kept = [
                value
                for variable, value in zip(rest, after[len(trained) :], strict=True)
                if variable.role != "metric"
            ]
            loss = jnp.asarray(penalty + sum(losses), "float32")
            return outputs, Result(tree.leaves(outputs), masks, loss, kept, False)

        return run, [v.value for v in trained], [v.value for v in rest]

    def _attach(self, call: Call, put: Callable[[Any, Any], None]) -> None:
        if self.masks is not None:
            for x, mask in zip(tree.leaves(call.args[0]), tree.leaves(self.masks), strict=True):
                if mask is not None:
                    put(x, mask)

    def _keras_weights(self) -> tuple[list[Any], list[Any]]:
        layer = self.theirs
        trained = [v.value for v in layer.trainable_variables]
        return trained, [v.value for v in layer.non_trainable_variables]

    def _keras(self, trained: Any, rest: Any, call: Call, training: bool) -> tuple[Any, Result]:
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
        loss = jnp.asarray(sum(losses), "float32")
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


class Outputs(NamedTuple):
    """A new layer, its result in inference, and Keras's."""

    layer: Any
    result: Result
    expected: Result


def compute_outputs(cases: list[Case]) -> list[Outputs]:
    """Computes the results of several rows in one program of each library.

    One large program compiles faster than many small ones.
    """
    layers = [case.row.make(cornu) for case in cases]
    for case, layer in zip(cases, layers, strict=True):
        case.call_on_tensors(layer, batch=True)
    pures = [case._pure(layer, False) for case, layer in zip(cases, layers, strict=True)]
    keras_weights = [case._keras_weights() for case in cases]
    varied = [case._varied() for case in cases]
    inputs = [values for _, values in varied]

    def run(weights: Any, inputs: Any) -> list[Any]:
        return [
            pure(*values, case._filled(slots, filled))[1][:-1]
            for case, (pure, *_), (slots, _), values, filled in zip(
                cases, pures, varied, weights, inputs, strict=True
            )
        ]

    def run_keras(weights: Any, inputs: Any) -> list[Any]:
        return [
            case._keras(*values, case._filled(slots, filled), False)[1][:-1]
            for case, (slots, _), values, filled in zip(cases, varied, weights, inputs, strict=True)
        ]

    results = jax.jit(run)([weights for _, *weights in pures], inputs)
    expected = jit_reference(run_keras)(keras_weights, inputs)
    return [
        Outputs(layer, *(Result(*map(_numpy_or_same, values), False) for values in pair))
        for layer, *pair in zip(layers, results, expected, strict=True)
    ]


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


def _symbolic(x: Any) -> Any:
    return keras.KerasTensor(x.shape, x.dtype.name) if isinstance(x, jax.Array) else x


def _is_float(x: Any) -> bool:
    return isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jnp.floating)


def _moved(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds a little to weights: biases are not zero, variances stay positive."""
    floating = np.issubdtype(value.dtype, np.floating)
    return value + rng.uniform(0, 0.2, value.shape).astype(value.dtype) if floating else value


def _weighted(outputs: Any) -> Any:
    """Returns a scalar that depends on every output element with a different weight."""
    return sum(
        (jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)))
        for y in jax.tree_util.tree_leaves(outputs)
        if _is_float(y)
    )


def _lost(caught: list[Any]) -> bool:
    return any("mask" in str(warning.message) for warning in caught)
