"""The steps around `Layer.call`: inputs are converted and checked, the layer is built and run."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor, standardize_shape
from cornu.core.layer.gathered_weights import regathering_call
from cornu.core.layer.input_spec import check_input
from cornu.core.layer.signature import call_signature
from cornu.core.sparse.arrays import is_sparse, to_bcoo, to_dense
from cornu.core.state import scope, sharing
from cornu.core.state.dtypes import is_float, narrowed
from cornu.core.state.placement import distribute
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable
from cornu.foreign import check_attributes
from cornu.names import is_library_class

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = [
    "build_and_check",
    "build_from_shapes",
    "build_without_conversion",
    "convert_arguments",
    "run_call",
]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def convert_arguments(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Replaces NumPy arrays, sparse arrays and Variables among the arguments by JAX arrays."""
    # Most calls have one array; a tree map would take longer than a small layer.
    if len(args) == 1 and not kwargs and isinstance(args[0], jax.Array):
        return args, kwargs
    convert = to_bcoo if layer._accepts_sparse_ else to_dense
    converted: Arguments = tree.map(_to_array, convert((args, kwargs)))
    return converted


def _is_one_array(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the arguments are one array and plain values, none of which can be sparse."""
    if len(args) != 1 or not isinstance(args[0], jax.Array):
        return False
    return all(x is None or isinstance(x, (bool, jax.Array)) for x in kwargs.values())


def build_and_check(layer: Layer, tensors: dict[str, Any]) -> None:
    """Checks the inputs against `input_spec`, and builds the layer if it is not built."""
    if not tensors:
        return
    check_shape = type(layer)._check_shape_
    if layer.built and layer.input_spec is None and check_shape is None and not layer._building_:
        return
    shapes = {name: tree.map(_shape_or_none, value) for name, value in tensors.items()}
    # As in Keras, `input_spec` describes the first argument only.
    first = next(iter(shapes.values()))
    check_input(layer.input_spec, first, layer._label_())
    if check_shape is not None:
        check_shape(layer, first)
    if not layer.built or layer._building_:
        with sharing.build_lock:  # waits for a thread that builds the layer
            if not layer.built:
                if not is_library_class(type(layer)):
                    check_attributes(layer, layer._label_())
                layer._build_from_shapes_(shapes)
        # `build` may set a spec that is more precise, such as the number of features.
        check_input(layer.input_spec, first, layer._label_())


def build_without_conversion(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Builds a layer that takes its arguments as they are, such as strings, unless it is built.

    `build` receives the shape of the first argument, or None if it has none.
    """
    if layer.built:
        return
    leaves = tree.leaves(next(iter((*args, *kwargs.values())), None))
    with sharing.build_lock:
        if not layer.built:
            layer._build_from_shapes_({"inputs": _shape_of_any(leaves[0] if leaves else None)})


def _shape_of_any(x: Any) -> tuple[int | None, ...] | None:
    """Returns the shape of an array or tensor of any library; None if it is unknown."""
    try:
        return tuple(x.shape)
    except (AttributeError, ValueError):  # a tensor of TensorFlow may have an unknown rank
        return None


def build_from_shapes(layer: Layer, shapes: dict[str, Any]) -> None:
    """Calls `build` with the shapes that it has parameters for, or with that of the first input.

    Args:
        layer: the layer.
        shapes: the shapes of the inputs by parameter name of `call`.
    """
    names = list(inspect.signature(layer.build).parameters)
    by_name = {f"{name}_shape": shape for name, shape in shapes.items()}
    if len(names) > 1 and all(name in by_name for name in names):
        layer.build(**{name: by_name[name] for name in names})
    # `build` has parameters for optional inputs that were not passed.
    elif len(names) > 1 and set(names) & set(by_name):
        layer.build(**{name: shape for name, shape in by_name.items() if name in names})
    else:
        layer.build(next(iter(shapes.values())))
    layer.built = True


def run_call(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Runs `call` on arrays, with the training phase, compute dtype and path of the layer."""
    around = scope.current()
    signature = call_signature(type(layer))
    context = around.call_context
    if layer._context_arguments_:
        kwargs = _pass_context(layer, kwargs)
    args, kwargs, training = signature.resolve_training(args, kwargs, around.training)
    before = (around.training, around.compute_dtype, around.layer_path)
    compute_dtype = layer.compute_dtype
    around.training = training
    around.compute_dtype = compute_dtype if layer.autocast else None
    if not (layer._building_ and before[2][-1:] == (layer.name,)):  # `build` has entered the layer
        around.layer_path = (*before[2], layer.name)
    try:
        if not (layer._accepts_sparse_ or _is_one_array(args, kwargs)):
            args, kwargs = to_dense((args, kwargs))
        if layer.autocast:
            args, kwargs = _autocast(args, kwargs, compute_dtype)
        method = getattr(layer, layer._call_method_)
        if layer._remat_ is None:
            call = regathering_call(layer, method)
        else:
            # What is recomputed as a whole gathers its weights again by that.
            call = layer.rematerialized_call(
                lambda *args, **kwargs: regathering_call(layer, method)(*args, **kwargs),
                *args,
                **kwargs,
            )
        if around.interceptor is None:
            outputs = call(*args, **kwargs)
        else:
            outputs = around.interceptor(layer, None, call, args, kwargs)
        outputs = distribute(around.layer_path, outputs)
        if layer.activity_regularizer is not None:
            for output in tree.leaves(to_dense(outputs)):
                if output is None:
                    continue
                # As in Keras, so that the strength of a penalty does not depend on the batch size.
                batch_size = max(output.shape[0], 1) if output.ndim else 1
                around.losses.append(layer.activity_regularizer(output) / batch_size)
    finally:
        around.training, around.compute_dtype, around.layer_path = before
        around.call_context = context
    return outputs


def _pass_context(layer: Layer, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Adds the context arguments of the call to those that inner layers receive.

    Returns:
        The keyword arguments for `call`, which need not accept the context arguments.
    """
    around = scope.current()
    names = call_signature(type(layer)).names
    context = dict(around.call_context)
    for name in layer._context_arguments_:
        if kwargs.get(name) is not None:
            context[name] = kwargs[name]
    around.call_context = context
    own = {k: v for k, v in kwargs.items() if k not in layer._context_arguments_ or k in names}
    passed = {k: context[k] for k in layer._context_arguments_ if k in names and k in context}
    return {**own, **passed}


def _to_array(x: Any) -> Any:
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, VariableOwner) and x._category_ == "layers":
        raise TypeError(
            f"the input is the layer {getattr(x, 'name', '')!r}, not a Tensor: it was created "
            f"but not called.\nWrite {type(x).__name__}(...)(x)."
        )
    if not isinstance(x, (np.ndarray, np.generic)):
        return x
    if x.dtype.kind in "OUS":
        raise TypeError(
            "expected an array of numbers, received an array of "
            f"{'objects' if x.dtype.kind == 'O' else 'strings'}.\n"
            "Convert it to numbers first: categories to integers, texts to token ids."
        )
    # Integers beyond 32 bits become floats, which most layers compute with.
    return jnp.asarray(narrowed(np.asarray(x) if isinstance(x, np.generic) else x))


def _autocast(args: tuple[Any, ...], kwargs: dict[str, Any], dtype: str) -> Arguments:
    # Most calls have one array: the general case costs a tree map of all arguments.
    if len(args) == 1 and isinstance(args[0], jax.Array):
        return (_cast_float(args[0], dtype),), kwargs
    cast: Arguments = jax.tree_util.tree_map(lambda x: _cast_float(x, dtype), (args, kwargs))
    return cast


def _cast_float(x: Any, dtype: str) -> Any:
    if isinstance(x, jax.Array) and x.dtype != dtype and is_float(x.dtype):
        cast, masks = x.astype(dtype), scope.current().masks
        if (mask := masks.get(x)) is not None:
            masks.put(cast, mask)
        return cast
    return x


def _shape_or_none(x: Any) -> tuple[int | None, ...] | None:
    if isinstance(x, (Tensor, jax.Array)) or is_sparse(x):
        return standardize_shape(x.shape)
    return None
