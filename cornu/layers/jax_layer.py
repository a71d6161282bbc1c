"""JaxLayer: wraps a function of JAX and its parameters as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.core.state.dtypes import is_float
from cornu.core.state.variable import Variable
from cornu.names import is_library_class
from cornu.ops.random.generator import SeedGenerator, draw_key
from cornu.types import PyTree

__all__ = ["JaxLayer"]

_CALL_ARGUMENTS = ("params", "state", "rng", "inputs", "training")
_INIT_ARGUMENTS = ("rng", "inputs", "training")
_SHAPE = "__shape__"  # the key that marks the description of an array in a config

# Unlike `cornu.tree`, JAX's functions know the classes that programs register as trees.
_map = jax.tree_util.tree_map


class JaxLayer(Layer):
    """Wraps a function of JAX and its parameters as a layer.

    `call_fn` takes arguments with these names, in any order:

    - `inputs`: the inputs, an array or a tree of arrays.
    - `params`: the trainable parameters, a tree of arrays.
    - `state`: the state that is not trained, a tree of arrays. Then `call_fn` returns a tuple of
      the outputs and the new state.
    - `rng`: a random key of JAX in training, None in inference.
    - `training`: whether the layer is called in training.

    All but `inputs` may be left out. `init_fn(rng, inputs, training)` returns the initial `params`,
    or a tuple of the initial `params` and `state` if `call_fn` takes `state`; it is called when the
    layer is built, with inputs of ones and `training=True`. It may leave `rng` and `training` out.

    Args:
        call_fn: the function.
        init_fn: creates the initial parameters and the initial state.
        params: the initial parameters, instead of `init_fn`.
        state: the initial state, instead of `init_fn`.
        seed: the seed of the random keys.
        native_serialization_platforms: has no effect; part of the signature of Keras.
        **kwargs: passed to `Layer`.

    Call arguments:
        inputs: passed to `call_fn`.
        training: passed to `call_fn`, if it has this argument.

    Attributes:
        params, state: trees like those of `init_fn`, of weights in place of arrays. What is not an
            array or a number stays as it is.

    Raises:
        ValueError: a function has an argument with another name, or lacks `inputs`; there is
            neither `init_fn` nor `params` or `state`; or `call_fn` returns a state of another
            structure.

    Example:

    >>> import jax
    >>> import cornu
    >>> def init(rng, inputs):
    ...     return {"kernel": jax.random.normal(rng, (inputs.shape[-1], 4))}
    >>> def apply(params, inputs):
    ...     return jax.nn.relu(inputs @ params["kernel"])
    >>> layer = cornu.layers.JaxLayer(apply, init)
    >>> layer(cornu.Input((3,))).shape
    (None, 4)
    >>> layer.params["kernel"].shape
    (3, 4)

    Differences: a weight is named after its place in the tree, such as `dense.kernel`. `rng` of a
    stateful step depends on the step and on the layer.

    Extensions: the config of a layer without `init_fn` contains the shapes of `params` and `state`,
    so that the layer can be loaded from a file.

    Fixes: integers and truth values among the `params` are not trained; training fails in Keras,
    because they have no gradient. A state of another structure is an error also where the old one
    has the same beginning.
    """

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: PyTree = None,
        state: PyTree = None,
        seed: int | None = None,
        native_serialization_platforms: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.call_fn = call_fn
        self.init_fn = init_fn
        self.native_serialization_platforms = native_serialization_platforms
        self.call_fn_arguments = self._check_function("call_fn", call_fn, _CALL_ARGUMENTS)
        self.init_fn_arguments: tuple[str, ...] = ()
        if init_fn is not None:
            self.init_fn_arguments = self._check_function("init_fn", init_fn, _INIT_ARGUMENTS)
        takes_weights = bool({"params", "state"} & set(self.call_fn_arguments))
        if init_fn is None and params is None and state is None and takes_weights:
            raise ValueError(
                f"{self._label_()}: `call_fn` takes `params` or `state`, and `init_fn`, `params` "
                "and `state` are all None.\nPass `init_fn`, which creates them for the shape of "
                "the inputs, or pass their initial values."
            )
        has_rng = "rng" in self.call_fn_arguments
        self.seed_generator = SeedGenerator(seed, name="seed_generator") if has_rng else None
        self.params: PyTree = None
        self.state: PyTree = None
        if params is not None or state is not None:
            self._create_weights(params, state)
        self.built = params is not None or state is not None or not takes_weights

    def _check_function(self, name: str, fn: Any, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names of the arguments of a function, in their order."""
        if not callable(fn):
            raise TypeError(f"{self._label_()}: `{name}` must be a function. Received: {fn!r}")
        names = tuple(inspect.signature(fn).parameters)
        unknown = [argument for argument in names if argument not in allowed]
        if unknown or "inputs" not in names:
            problem = f"has the argument {unknown[0]!r}" if unknown else "has no argument `inputs`"
            raise ValueError(
                f"{self._label_()}: `{name}` {problem}. Its arguments must have these names: "
                f"{', '.join(allowed)}. Received: {name}({', '.join(names)})\n"
                "Wrap the function, as in `lambda params, inputs: model(params, *inputs)`; several "
                "inputs are one tuple or dict."
            )
        return names

    def build(self, input_shape: PyTree) -> None:
        """Calls `init_fn`, unless the weights were passed to the constructor."""
        if self.init_fn is None or self.params is not None or self.state is not None:
            return
        with jax.ensure_compile_time_eval():  # the call of an outer layer may be traced
            passed = {
                "rng": self._get_init_rng() if "rng" in self.init_fn_arguments else None,
                "inputs": _make_ones(input_shape),
                "training": True,
            }
            result = self.init_fn(*(passed[name] for name in self.init_fn_arguments))
            if "state" in self.call_fn_arguments:
                params, state = self._split_pair("init_fn", result, "params, state")
            else:
                params, state = result, None
            self._create_weights(params, state)

    def _create_weights(self, params: PyTree, state: PyTree) -> None:
        self.params = self._create_tree("params", params, trainable=True)
        self.state = self._create_tree("state", state, trainable=False)

    def _create_tree(self, root: str, values: PyTree, trainable: bool) -> PyTree:
        """Returns a tree with a weight for each array and number."""

        def create(path: Any, value: Any) -> Any:
            name = jax.tree_util.keystr(path, simple=True, separator=".").replace("/", "_")
            return self._create_weight(name or root, value, trainable)

        return jax.tree_util.tree_map_with_path(create, values)

    def _create_weight(self, name: str, value: Any, trainable: bool) -> Any:
        if isinstance(value, Variable):
            value = value.value
        initial: Any
        if isinstance(value, jax.ShapeDtypeStruct):
            shape, dtype, initial = value.shape, value.dtype, "zeros"
        elif isinstance(value, (jax.Array, np.ndarray, np.generic, bool, int, float)):
            # A copy, because training donates the buffers of weights.
            initial = jnp.array(value)
            shape, dtype = initial.shape, initial.dtype
        else:
            return value  # a setting of the model
        floating = is_float(dtype.name)
        weight = self.add_weight(
            shape,
            initial,
            dtype=None if floating else dtype.name,
            trainable=trainable,
            name=name,
        )
        weight.trainable = trainable and floating
        return weight

    def _split_pair(self, name: str, result: Any, expected: str) -> tuple[Any, Any]:
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise ValueError(
                f"{self._label_()}: `call_fn` takes `state`, therefore `{name}` must return a "
                f"tuple ({expected}). Received: {_describe_type(result)}"
            )
        return result[0], result[1]

    def _get_init_seed(self) -> jax.Array:
        """Returns a new random key for `init_fn`, an array of two integers."""
        return jax.random.key_data(draw_key(None))

    def _get_init_rng(self) -> Any:
        """Returns the `rng` of `init_fn`; a subclass may return a tree of keys."""
        return self._get_init_seed()

    def _get_call_seed(self) -> jax.Array:
        """Returns a new random key for `call_fn`, an array of two integers."""
        assert self.seed_generator is not None
        return jax.random.key_data(self.seed_generator.next())

    def _get_call_rng(self, training: bool) -> Any:
        """Returns the `rng` of `call_fn`; a subclass may return a tree of keys.

        Args:
            training: whether the layer is called in training; without training the key is None.
        """
        return self._get_call_seed() if training else None

    def call(self, inputs: PyTree, training: bool = False) -> Any:
        """Returns the outputs of `call_fn`, and assigns the new state."""
        training = bool(training)
        passed = {
            "params": _map(_read, self.params),
            "state": _map(_read, self.state),
            "rng": self._get_call_rng(training) if "rng" in self.call_fn_arguments else None,
            "inputs": inputs,
            "training": training,
        }
        result = self.call_fn(*(passed[name] for name in self.call_fn_arguments))
        if "state" not in self.call_fn_arguments:
            return result
        outputs, state = self._split_pair("call_fn", result, "outputs, state")
        self._assign_state(state)
        return outputs

    def _assign_state(self, state: PyTree) -> None:
        leaves, structure = _flatten(state)
        weights, expected = _flatten(self.state)
        if structure != expected:
            raise ValueError(
                f"{self._label_()}: `call_fn` must return a state of the same structure as the "
                f"initial one.\nExpected: {expected}\nReceived: {structure}"
            )
        for weight, value in zip(weights, leaves, strict=True):
            if isinstance(weight, Variable):
                weight.assign(value)

    def _constructor_arguments_(self) -> dict[str, Any]:
        # The values of `params` and `state` are weights, and saved as such.
        arguments = super()._constructor_arguments_()
        return {k: v for k, v in arguments.items() if k not in ("params", "state")}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments; without `init_fn`, with the shapes of the weights."""
        config = super().get_config()
        # A subclass of a program may create the weights itself.
        if self.init_fn is not None or not is_library_class(type(self)):
            return config
        trees = {"params": self.params, "state": self.state}
        return {**config, **{name: self._describe(tree) for name, tree in trees.items()}}

    def _describe(self, tree: PyTree) -> Any:
        """Returns a tree as plain data, with a dict of shape and dtype for each weight."""
        if isinstance(tree, Variable):
            return {_SHAPE: list(tree.shape), "dtype": tree.dtype}
        if type(tree) is dict and all(isinstance(key, str) for key in tree):
            return {key: self._describe(inner) for key, inner in tree.items()}
        if type(tree) in (list, tuple):
            return type(tree)(self._describe(inner) for inner in tree)
        if tree is None or isinstance(tree, str):
            return tree
        raise TypeError(
            f"{self._label_()} has no `init_fn`, and its config cannot describe weights in a "
            f"{type(tree).__name__}.\nUse dicts with strings as keys, lists and tuples, or pass "
            "`init_fn` with `params` and `state`, which are loaded from the file."
        )

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Creates the layer from a config. Functions are looked up by name.

        Args:
            config: the dict returned by `get_config()`.
            custom_objects: additional functions by name.

        Raises:
            ValueError: a function is unknown.
        """
        with registry.custom_object_scope(custom_objects):
            trees = {name: config[name] for name in ("params", "state") if config.get(name)}
            others = {name: value for name, value in config.items() if name not in trees}
            return cls(
                **{name: registry.deserialize(value) for name, value in others.items()},
                **{name: _restore(tree) for name, tree in trees.items()},
            )


def _flatten(tree: PyTree) -> tuple[list[Any], Any]:
    leaves, structure = jax.tree_util.tree_flatten(tree)
    return leaves, structure


def _read(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, Variable) else leaf


def _make_ones(shape: PyTree) -> PyTree:
    """Returns arrays of ones for a shape or a structure of shapes; unknown sizes are 1."""
    if isinstance(shape, dict):
        return {name: _make_ones(inner) for name, inner in shape.items()}
    if any(isinstance(inner, (list, tuple, dict)) for inner in shape):
        return type(shape)(_make_ones(inner) for inner in shape)
    return jnp.ones([1 if size is None else size for size in shape])


def _restore(tree: Any) -> PyTree:
    """Returns the tree of a config, with a shape and dtype in place of each weight."""
    if isinstance(tree, dict):
        if set(tree) == {_SHAPE, "dtype"}:
            return jax.ShapeDtypeStruct(tuple(tree[_SHAPE]), jnp.dtype(tree["dtype"]))
        return {key: _restore(inner) for key, inner in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_restore(inner) for inner in tree)
    return tree


def _describe_type(value: Any) -> str:
    size = f" of {len(value)} items" if isinstance(value, (tuple, list, dict)) else ""
    return f"a {type(value).__name__}{size}"
