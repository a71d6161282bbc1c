"""Layer: owns Variables and other layers, and maps inputs to outputs in `call`."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry, tree
from cornu.core import scope
from cornu.core.border import is_placed, placed, trimmed
from cornu.core.dtypes import get_policy, is_float
from cornu.core.frames import inside, users_level
from cornu.core.inference import infer, infer_by_config, record
from cornu.core.op import Op, is_symbolic
from cornu.core.remat import RematMode, current_mode, remat
from cornu.core.signature import CallSignature, call_signature
from cornu.core.spec import check_input
from cornu.core.tensor import Node, Tensor, standardize_shape
from cornu.core.variable import Variable
from cornu.core.weighted import Weighted, naming_build
from cornu.errors import suggest, told, warn
from cornu.names import auto_name

__all__ = ["Layer"]

_INPUT_WORDS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


class Layer(Weighted):
    """The base of all layers and models.

    A subclass defines `call`, and creates its Variables with `add_weight` in `build` (which gets
    the input's shape) or in the constructor. Other layers are simply attributes, or stand in
    lists and dicts that are attributes; they may be created and built anywhere, also in `call`.

    Args:
        activity_regularizer: a function of the output whose value is added to the loss (divided
            by the batch size).
        trainable: whether training changes the layer's Variables.
        dtype: a dtype or dtype policy; by default the process-wide policy.
        autocast: whether float inputs and Variables are cast to the compute dtype.
        name: the layer's name.
        **kwargs: `input_shape` (without batch axis), `batch_input_shape` (with it), `input_dim`
            or `batch_size`, for a first layer of Sequential.

    Example:

    >>> import cornu
    >>> class Scale(cornu.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=input_shape[-1:], initializer="ones")
    ...
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()(cornu.Input((3,))).shape
    (None, 3)

    Differences: `get_config()` needs no code, the constructor call is remembered. Layers do not
    keep the graph alive that they were used in.
    """

    category = "layers"

    # Whether equal constructor arguments and input specs always give equal output specs, so that
    # shape inference may be remembered. True for cornu's own layers that own no other layers.
    infers_by_config: ClassVar[bool] = False
    # Whether each row of the output depends on the same row of the input alone, so that padding
    # rows do no harm. None: not known.
    rowwise: ClassVar[bool | None] = None
    bookkeeping = Weighted.bookkeeping | {"_nodes", "_input_shape_given"}
    # Whether it has inputs and outputs of its own; and the graph between them, if it was drawn.
    is_model: ClassVar[bool] = False
    _drawing: Any = None
    # The order of axes, in layers that have one; like the dtype policy, what held at construction.
    data_format: str | None = None

    autocast: bool
    activity_regularizer: Any
    input_spec: Any
    supports_masking: bool
    _remat: RematMode | None
    _nodes: list[weakref.ref[Node]]
    _input_shape_given: tuple[int | None, ...] | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__ and cls.__module__.partition(".")[0] != "cornu":
            # A program's own `call` need not keep what the class it overrides promises.
            cls.infers_by_config = cls.__dict__.get("infers_by_config", False)
            cls.rowwise = cls.__dict__.get("rowwise")
        if "build" in cls.__dict__:
            cls.build = naming_build(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls, *args, **kwargs)
        self._nodes = []
        self._input_shape_given = None
        self._remat = current_mode()
        self.autocast = True
        self.activity_regularizer = None
        self.input_spec = None
        self.supports_masking = cls.compute_mask is not Layer.compute_mask
        return self

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._input_shape_given = _given_shape(type(self), kwargs)
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"A layer's name is a string without '/'. Received: {name!r}")
        self._name = name or auto_name(type(self).__name__)
        self._policy = get_policy(dtype)
        self._trainable = bool(trainable)
        self.autocast = autocast
        self.activity_regularizer = registry.resolve("regularizers", activity_regularizer)

    # ------------------------------------------------------------------ what a subclass defines

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

    def refuse(self, values: np.ndarray) -> str | None:
        """Says what is wrong with data that is fed straight into the layer, or None."""
        return None

    # -------------------------------------------------------------------------------- being called

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if is_symbolic(args, kwargs):
                return self._draw(args, kwargs)
            around = scope.current()
            outermost = around.parent is None and not around.layers
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
            raise new from told(error)

    def _placed(self, error: Exception, args: Any, kwargs: Any) -> Exception:
        """Returns an error that says in which layer and where it happened, and on what."""
        if is_placed(error):
            return trimmed(error, error)
        signature = call_signature(type(self))
        fault = signature.fault(args, kwargs) if isinstance(error, TypeError) else ""
        if fault:
            error.args = (f"{type(self).__name__}.call{fault}",)
        shapes = ", ".join(map(_shown, signature.tensors(args, kwargs).values()))
        shapes = shapes or ", ".join(map(_received, args)) or "nothing"
        around = scope.current().layers
        place = inside()
        if around:
            place = f"in {' > '.join(around)} ({place.rpartition('(')[2]}"
        who = self._who().replace(" layer ", " ") if self.is_model else self._who()
        return placed(error, f"{who} {place}, called on {shapes}", who, not fault)

    def run(self, args: Any, kwargs: Any) -> Any:
        """Calls a built layer on arrays: sets training phase, dtype and path around `call`."""
        around = scope.current()
        signature = call_signature(type(self))
        args, kwargs, training = signature.phase(args, kwargs, around.training)
        before = (around.training, around.compute_dtype, around.layers)
        around.training = training
        around.compute_dtype = self.compute_dtype if self.autocast else None
        around.layers = (*before[2], self.name)
        try:
            if self.autocast:
                args, kwargs = _cast(args, kwargs, self.compute_dtype)
            outputs = self._recomputed(args, kwargs) if self._remat else self.call(*args, **kwargs)
            if around.watch is not None:
                outputs = around.watch(self, outputs)
            if self.activity_regularizer is not None:
                for output in jax.tree_util.tree_leaves(outputs):
                    rows = max(output.shape[0], 1) if output.ndim else 1
                    around.losses.append(self.activity_regularizer(output) / rows)
        finally:
            around.training, around.compute_dtype, around.layers = before
        return outputs

    def _recomputed(self, args: Any, kwargs: Any) -> Any:
        """Calls the layer so that the gradient computes it again, if its mode says so."""
        if scope.current().drawing or self._remat is None:
            return self.call(*args, **kwargs)

        def outputs() -> Any:
            with scope.drawn():
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
        if spec is not Layer.compute_output_spec:
            return self.compute_output_spec(*args, **kwargs)
        if self.infers_by_config:
            return infer_by_config(self, args, kwargs)
        return infer(lambda *a, **k: self.run(a, k), args, kwargs)

    def _arrays(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        if len(args) == 1 and not kwargs and isinstance(args[0], jax.Array):
            return args, kwargs
        return tree.map(_array, (args, kwargs))

    def _prepare(
        self, signature: CallSignature, tensors: dict[str, Any], args: tuple[Any, ...] = ()
    ) -> None:
        """Checks the input against `input_spec`, and builds the layer if it is not."""
        if not tensors and args and not self.built and type(self).build is not Layer.build:
            raise TypeError(
                "expected an array or a symbolic Tensor, to build the layer for its shape; "
                f"received {_kind(args[0])}.\n{_remedy(args[0])}"
            )
        if not tensors or (self.built and self.input_spec is None):
            return
        shapes = {name: tree.map(_shape, value) for name, value in tensors.items()}
        first = next(iter(shapes.values()))
        check_input(self.input_spec, first, self._who())
        if not self.built:
            self._build(signature, shapes)
            check_input(self.input_spec, first, self._who())

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

    # ------------------------------------------------------------------------------------- masks

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
                f"{self._who()} received an input with a mask and does not support masking: "
                "layers after it will not see the mask. Put it before what makes the mask, or set "
                "`supports_masking = True` on it if the mask still holds behind it.",
                stacklevel=users_level(),
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
        if type(self).compute_mask is Layer.compute_mask:
            return masks
        return record(Op("compute_mask", self.compute_mask), (inputs, masks), {})

    # ------------------------------------------------------------------------ shapes and structure

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns symbolic Tensors of the shapes and dtypes that the outputs would have."""
        signature = call_signature(type(self))
        self._prepare(signature, signature.tensors(args, kwargs))
        return infer(lambda *a, **k: self.run(a, k), args, kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the output for a shape of the input."""
        inputs = map_shapes(lambda shape: Tensor(shape, dtype=self.compute_dtype), input_shape)
        outputs = self.compute_output_spec(inputs)
        return jax.tree_util.tree_map(lambda t: t.shape, outputs)

    @property
    def input(self) -> Any:
        """The Tensor (or structure of them) that the layer was called on, if it was so once."""
        args = self._only_node("input").args
        return args[0] if len(args) == 1 else list(args)

    @property
    def output(self) -> Any:
        """The Tensor (or structure of them) that the layer returned, if it was called once."""
        return self._only_node("output").outputs

    def _only_node(self, what: str) -> Node:
        nodes = [node for node in (ref() for ref in self._nodes) if node is not None]
        if not nodes:
            raise AttributeError(
                f"{self._who()} has no {what}: it was not called on a symbolic Tensor, or the "
                "model that it was part of is gone.\nCall it on a Tensor first, keep the model. "
                f"This happened {inside()}."
            )
        if len(nodes) > 1:
            raise AttributeError(
                f"{self._who()} was called {len(nodes)} times, so that {what!r} is ambiguous. "
                f"Keep the Tensor that the call returned. This happened {inside()}."
            )
        return nodes[0]

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        key: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Calls the layer with given values for its Variables, changing nothing.

        Args:
            trainable_variables: values of `trainable_variables`.
            non_trainable_variables: values of `non_trainable_variables`.
            *args: inputs.
            return_losses: whether losses are returned as well.
            key: a JAX random key, for layers that draw random numbers.
            **kwargs: further arguments of `call`.

        Returns:
            `(outputs, new non_trainable_variables)`, and the losses if asked for.
        """
        if not self.built:
            raise ValueError(f"{self._who()} must be built before `stateless_call`.")
        trained, rest = self.trainable_variables, self.non_trainable_variables
        values = (*trainable_variables, *non_trainable_variables)
        lifted = scope.pure(lambda *a, **k: (self(*a, **k), self.losses), trained + rest)
        (outputs, losses), new, _ = lifted(values, key, *args, **kwargs)
        after = list(new[len(trained) :])
        return (outputs, after, losses) if return_losses else (outputs, after)

    # ------------------------------------------------------------------------------------ as data

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        base = {"name": self.name, "trainable": self._trainable, "dtype": self.dtype_policy.name}
        parameters = inspect.signature(type(self).__init__).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            base = {name: value for name, value in base.items() if name in parameters}
        return {**base, **{k: v for k, v in super().get_config().items() if k not in base}}

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns what is needed to build the layer again."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _given_shape(cls: type, kwargs: dict[str, Any]) -> tuple[int | None, ...] | None:
    """Returns the batch shape from the words that a first layer may be given."""
    unknown = [name for name in kwargs if name not in _INPUT_WORDS]
    if unknown:
        known = list(inspect.signature(cls.__init__).parameters)[1:]  # type: ignore[misc]
        known = [name for name in known if name not in ("kwargs", "args")]
        raise TypeError(
            f"{cls.__name__} has no argument {unknown[0]!r}. "
            f"{suggest(unknown[0], [*known, 'name', 'dtype', 'trainable'])}"
        )
    whole = kwargs.get("batch_input_shape") or kwargs.get("batch_shape")
    if whole is not None:
        return standardize_shape(whole)
    shape = kwargs.get("input_shape")
    if shape is None and kwargs.get("input_dim") is not None:
        shape = (kwargs["input_dim"],)
    if shape is None:
        return None
    return standardize_shape((kwargs.get("batch_size"), *shape))


def _array(x: Any) -> Any:
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, Layer):
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


def map_shapes(fn: Callable[[Any], Any], shapes: Any) -> Any:
    """Applies a function to each shape in nested lists and dicts of shapes."""
    if isinstance(shapes, dict):
        return {name: map_shapes(fn, shape) for name, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shapes):
        return [map_shapes(fn, shape) for shape in shapes]
    return fn(tuple(shapes))
