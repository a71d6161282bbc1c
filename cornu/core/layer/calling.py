"""Called: what happens when a layer is called, on arrays or on symbolic Tensors."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.graph.inference import infer_outputs, infer_outputs_by_config, record_op
from cornu.core.graph.op import Op, is_symbolic
from cornu.core.graph.remat import RematMode, remat
from cornu.core.graph.tensor import Node, Tensor, standardize_shape
from cornu.core.layer.input_spec import check_input
from cornu.core.layer.signature import CallSignature, call_signature
from cornu.core.layer.variable_owner import Weighted
from cornu.core.state import scope
from cornu.core.state.dtypes import is_float
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import has_location, locate_error, trim_traceback
from cornu.core.tracebacks.user_frames import user_location, user_stacklevel
from cornu.errors import visible_cause, warn

__all__ = ["Called"]


class Called(Weighted):
    """The part of a Layer that checks, builds, runs and draws, around the subclass's `call`."""

    # Whether equal constructor arguments and input specs always give equal output specs, so that
    # shape inference may be remembered. True for cornu's own layers that own no other layers.
    infers_by_config: ClassVar[bool] = False
    bookkeeping = Weighted.bookkeeping | {"_nodes"}
    # Whether it has inputs and outputs of its own.
    is_model: ClassVar[bool] = False

    autocast: bool
    activity_regularizer: Any
    input_spec: Any
    supports_masking: bool
    _remat: RematMode | None
    _nodes: list[weakref.ref[Node]]

    def build(self, input_shape: Any) -> None:
        """Creates the layer's Variables; called once, with the first input's shape."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs from the inputs."""
        raise NotImplementedError(
            f"{type(self).__name__} does not define `call`.\n"
            "Write `def call(self, inputs)`, which returns the outputs."
        )

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Returns the mask of the outputs; by default the inputs' own."""
        return previous_mask

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns symbolic Tensors of the shapes and dtypes that the outputs would have."""
        signature = call_signature(type(self))
        self._prepare(signature, signature.tensors(args, kwargs))
        return infer_outputs(lambda *a, **k: self.run(a, k), args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if is_symbolic(args, kwargs):
                return self._draw(args, kwargs)
            around = scope.current()
            outermost = around.parent is None and not around.layer_path
            if outermost:
                around.losses = []
            args, kwargs = self._arrays(args, kwargs)
            signature = call_signature(type(self))
            tensors = signature.tensors(args, kwargs)
            masks = self._take_masks(signature, tensors, kwargs, around.masks.get)
            self._prepare(signature, tensors, args)
            outputs = self.run(args, kwargs)
            if tensors and (masks is not None or self.supports_masking):
                self._pass_masks(next(iter(tensors.values())), masks, outputs)
            if outermost:
                self._last_losses = around.losses
            return outputs
        except Exception as error:
            new = self._placed(error, args, kwargs)
            if new is error:
                raise
            raise new from visible_cause(error)

    def _placed(self, error: Exception, args: Any, kwargs: Any) -> Exception:
        """Returns an error that says in which layer and where it happened, and on what."""
        if has_location(error):
            return trim_traceback(error, error)
        signature = call_signature(type(self))
        fault = signature.fault(args, kwargs) if isinstance(error, TypeError) else ""
        if fault:
            error.args = (f"{type(self).__name__}.call{fault}",)
        shapes = ", ".join(map(_shown, signature.tensors(args, kwargs).values()))
        shapes = shapes or ", ".join(map(_received, args)) or "nothing"
        around = scope.current().layer_path
        place = user_location()
        if around:
            place = f"in {' > '.join(around)} ({place.rpartition('(')[2]}"
        who = self._label().replace(" layer ", " ") if self.is_model else self._label()
        return locate_error(error, f"{who} {place}, called on {shapes}", who, not fault)

    def run(self, args: Any, kwargs: Any) -> Any:
        """Calls a built layer on arrays: sets training phase, dtype and path around `call`."""
        around = scope.current()
        signature = call_signature(type(self))
        args, kwargs, training = signature.phase(args, kwargs, around.training)
        before = (around.training, around.compute_dtype, around.layer_path)
        around.training = training
        around.compute_dtype = self.compute_dtype if self.autocast else None
        around.layer_path = (*before[2], self.name)
        try:
            if self.autocast:
                args, kwargs = _cast(args, kwargs, self.compute_dtype)
            call = self._recomputed if self._remat else self.call
            if around.interceptor is None:
                outputs = call(*args, **kwargs)
            else:
                outputs = around.interceptor(self, None, call, args, kwargs)
            if self.activity_regularizer is not None:
                for output in jax.tree_util.tree_leaves(outputs):
                    rows = max(output.shape[0], 1) if output.ndim else 1
                    around.losses.append(self.activity_regularizer(output) / rows)
        finally:
            around.training, around.compute_dtype, around.layer_path = before
        return outputs

    def _recomputed(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer so that the gradient computes it again, if its mode says so."""
        if scope.current().inferring_shapes or self._remat is None:
            return self.call(*args, **kwargs)

        def outputs() -> Any:
            with scope.abstract_scope():
                return tree.leaves(jax.eval_shape(lambda: self.call(*args, **kwargs)))

        policy = self._remat.policy(self.name, outputs)
        call = self.call if policy is False else remat(self.call, policy)
        return call(*args, **kwargs)

    def _draw(self, args: Any, kwargs: Any) -> Any:
        """Records the call on symbolic Tensors as a node, and returns its outputs."""
        signature = call_signature(type(self))
        kwargs = {k: v for k, v in kwargs.items() if not (k == "training" and v is None)}
        tensors = signature.tensors(args, kwargs)
        masks = self._take_masks(signature, tensors, kwargs, _mask_of)
        self._prepare(signature, tensors)
        outputs = self._infer(args, kwargs)
        if not any(isinstance(leaf, Tensor) for leaf in tree.leaves(outputs)):
            raise TypeError(
                f"{type(self).__name__}.call returned {outputs!r}, no array.\n"
                "Often its `return` is missing."
            )
        node = Node(self, args, kwargs, outputs)
        self._nodes = [ref for ref in self._nodes if ref() is not None] + [weakref.ref(node)]
        if tensors and (masks is not None or self.supports_masking):
            self._pass_masks(next(iter(tensors.values())), masks, node.outputs)
        return node.outputs

    def _infer(self, args: Any, kwargs: Any) -> Any:
        spec = type(self).compute_output_spec
        if spec is not Called.compute_output_spec:
            return self.compute_output_spec(*args, **kwargs)
        if self.infers_by_config:
            return infer_outputs_by_config(self, args, kwargs)
        return infer_outputs(lambda *a, **k: self.run(a, k), args, kwargs)

    def _arrays(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        if len(args) == 1 and not kwargs and isinstance(args[0], jax.Array):
            return args, kwargs
        return tree.map(_array, (args, kwargs))

    def _prepare(
        self, signature: CallSignature, tensors: dict[str, Any], args: tuple[Any, ...] = ()
    ) -> None:
        """Checks the input against `input_spec`, and builds the layer if it is not."""
        if not tensors and args and not self.built and type(self).build is not Called.build:
            raise TypeError(
                "expected an array or a symbolic Tensor, to build the layer for its shape; "
                f"received {_kind(args[0])}.\n{_remedy(args[0])}"
            )
        if not tensors or (self.built and self.input_spec is None):
            return
        shapes = {name: tree.map(_shape, value) for name, value in tensors.items()}
        first = next(iter(shapes.values()))
        check_input(self.input_spec, first, self._label())
        if not self.built:
            self._build(signature, shapes)
            check_input(self.input_spec, first, self._label())

    def _build(self, signature: CallSignature, shapes: dict[str, Any]) -> None:
        names = list(inspect.signature(self.build).parameters)
        by_name = {f"{name}_shape": shape for name, shape in shapes.items()}
        if len(names) > 1 and all(name in by_name for name in names):
            self.build(**{name: by_name[name] for name in names})
        elif len(names) > 1 and set(names) & set(by_name):
            self.build(**{name: shape for name, shape in by_name.items() if name in names})
        else:
            self.build(next(iter(shapes.values())))
        self.built = True

    def _take_masks(
        self, signature: CallSignature, tensors: dict[str, Any], kwargs: Any, get: Callable
    ) -> Any:
        """Puts the masks of the inputs into mask arguments; returns the first input's mask."""
        if not tensors:
            return None
        explicit = kwargs.get("mask")
        first_name, first = next(iter(tensors.items()))
        if explicit is not None:
            return explicit
        first_mask = _some(tree.map(get, first))
        if signature.mask and first_mask is not None:
            kwargs["mask"] = first_mask
        for name, value in tensors.items() if len(tensors) > 1 else ():
            word = f"{name}_mask"
            if word in signature.names and kwargs.get(word) is None:
                mask = _some(tree.map(get, value))
                if mask is not None:
                    kwargs[word] = mask
        return kwargs.get(f"{first_name}_mask", first_mask)

    def _pass_masks(self, inputs: Any, masks: Any, outputs: Any) -> None:
        """Attaches masks to the outputs, or warns that they get lost."""
        if not self.supports_masking:
            warn(
                "C022",
                f"{self._label()} received an input with a mask and does not support masking: "
                "layers after it will not see the mask. Put it before what makes the mask, or set "
                "`supports_masking = True` on it if the mask still holds behind it.",
                stacklevel=user_stacklevel(),
            )
            return
        if is_symbolic(inputs):
            out_masks = self._draw_mask(inputs, masks)
        else:
            out_masks = self.compute_mask(inputs, masks)
        if out_masks is None:
            return
        flat_outputs, flat_masks = tree.leaves(outputs), tree.leaves(out_masks)
        for output, mask in zip(flat_outputs, flat_masks, strict=False):
            if mask is not None:
                if isinstance(output, Tensor):
                    output.mask = mask
                else:
                    scope.current().masks.put(output, mask)

    def _draw_mask(self, inputs: Any, masks: Any) -> Any:
        if type(self).compute_mask is Called.compute_mask:
            return masks
        return record_op(Op("compute_mask", self.compute_mask), (inputs, masks), {})


def _array(x: Any) -> Any:
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, Called):
        raise TypeError(
            f"a layer was called on the layer {x.name!r}, not on a Tensor: that one was created "
            f"but not called.\nWrite {type(x).__name__}(...)(x)."
        )
    if not isinstance(x, (np.ndarray, np.generic)):
        return x
    if x.dtype.kind in "OUS":
        raise TypeError(
            f"an array of {'objects' if x.dtype.kind == 'O' else 'strings'} has no numbers in it.\n"
            "Turn them into numbers first: categories into integers, texts into ids."
        )
    return jnp.asarray(x)


def _cast(args: Any, kwargs: Any, dtype: str) -> tuple[Any, Any]:
    if len(args) == 1 and isinstance(args[0], jax.Array):
        return (_cast_leaf(args[0], dtype), *args[1:]), kwargs
    return jax.tree_util.tree_map(lambda x: _cast_leaf(x, dtype), (args, kwargs))


def _cast_leaf(x: Any, dtype: str) -> Any:
    if isinstance(x, jax.Array) and x.dtype != dtype and is_float(x.dtype):
        return x.astype(dtype)
    return x


def _shape(x: Any) -> Any:
    return standardize_shape(x.shape) if isinstance(x, (Tensor, jax.Array)) else None


def _mask_of(x: Any) -> Any:
    return x.mask if isinstance(x, Tensor) else None


def _some(masks: Any) -> Any:
    return masks if any(mask is not None for mask in tree.leaves(masks)) else None


def _shown(value: Any) -> str:
    shapes = tree.map(lambda x: standardize_shape(x.shape) if hasattr(x, "shape") else x, value)
    return f"shape {shapes}"


def _received(value: Any) -> str:
    return _shown(value) if hasattr(value, "shape") else _kind(value)


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    module = type(value).__module__
    return f"a {type(value).__name__}" + ("" if module == "builtins" else f" of {module}")


def _remedy(value: Any) -> str:
    if value is None:
        return "Often a function without `return` made it."
    return "Turn it into an array first: numpy.asarray(x)."
