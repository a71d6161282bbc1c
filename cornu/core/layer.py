"""Layer: owns Variables and other layers, and maps inputs to outputs in `call`."""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry, tree
from cornu.core import scope
from cornu.core.blocks import inside
from cornu.core.dtypes import DTypePolicy, get_policy, is_float
from cornu.core.op import Op, is_symbolic
from cornu.core.owner import Owner, holdings
from cornu.core.spec import check_input
from cornu.core.tensor import (
    Node,
    Spec,
    Tensor,
    infer,
    is_spec,
    record,
    standardize_shape,
)
from cornu.core.variable import Variable
from cornu.errors import at, suggest
from cornu.names import auto_name

__all__ = ["Layer"]

_INPUT_WORDS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


class Layer(Owner):
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
    # The order of axes, in layers that have one; like the dtype policy, what held at construction.
    data_format: str | None = None

    autocast: bool
    built: bool
    activity_regularizer: Any
    input_spec: Any
    supports_masking: bool
    _name: str
    _trainable: bool
    _policy: DTypePolicy | None
    _building: bool
    _weights: list[Variable]
    _nodes: list[weakref.ref[Node]]
    _last_losses: list[Any]
    _input_shape_given: tuple[int | None, ...] | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__ and cls.__module__.partition(".")[0] != "cornu":
            # A program's own `call` need not keep what the class it overrides promises.
            cls.infers_by_config = cls.__dict__.get("infers_by_config", False)
            cls.rowwise = cls.__dict__.get("rowwise")
        if "build" in cls.__dict__:
            cls.build = _naming_build(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls, *args, **kwargs)
        # Set here, so that a subclass that forgets super().__init__() still works.
        self._name = ""
        self._trainable = True
        self._policy = None
        self._building = False
        self._weights = []
        self._nodes = []
        self._last_losses = []
        self._input_shape_given = None
        self.autocast = True
        self.built = False
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
        raise NotImplementedError(f"{type(self).__name__} does not define `call`.")

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Returns the mask of the outputs; by default the inputs' own."""
        return previous_mask

    def refuse(self, values: np.ndarray) -> str | None:
        """Says what is wrong with data that is fed straight into the layer, or None."""
        return None

    # -------------------------------------------------------------------------------- attributes

    @property
    def name(self) -> str:
        """The layer's name."""
        if not self._name:
            self._name = auto_name(type(self).__name__)
        return self._name

    @property
    def dtype_policy(self) -> DTypePolicy:
        """What the layer computes in and what it stores."""
        if self._policy is None:
            self._policy = get_policy(None)
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._policy = get_policy(value)

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation and of outputs."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the Variables."""
        return self.dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the Variables."""
        return self.variable_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    @property
    def trainable(self) -> bool:
        """Whether training changes the layer; setting it sets it for all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers():
            layer.trainable = value

    # --------------------------------------------------------------------------------- Variables

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the layer.

        Args:
            shape: its shape, `()` by default.
            initializer: a name, an initializer, or a function of `(shape, dtype)`; by default
                Glorot uniform for floats and zeros otherwise.
            dtype: by default the layer's variable dtype.
            trainable: whether training changes it.
            autocast: whether it is read in the layer's compute dtype.
            regularizer: a function of it whose value is added to the loss.
            constraint: a function applied to it after each training step.
            aggregation: how values are combined over devices.
            overwrite_with_gradient: whether its gradient is its next value.
            name: its name within the layer.
        """
        shape = () if shape is None else shape
        dtype = self.variable_dtype if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(jnp.dtype(dtype)) else "zeros"
        with _Within(self):
            variable = Variable(
                registry.resolve("initializers", initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
                role="param" if trainable else "state",
                regularizer=registry.resolve("regularizers", regularizer),
                constraint=registry.resolve("constraints", constraint),
            )
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._weights.append(variable)
        return variable

    add_variable = add_weight

    def sublayers(self) -> list[Layer]:
        """Returns the layers that this one owns directly, in the order of the attributes."""
        return [thing for thing in holdings(self) if isinstance(thing, Layer)]

    def listed_layers(self) -> list[Layer]:
        """Returns the layers that are saved by their position in a list named "layers"."""
        return []

    def own_variables(self) -> list[Variable]:
        """Returns the layer's own weights, those that are trained first."""
        own = [v for v in holdings(self) if isinstance(v, Variable) and v.role != "metric"]
        return sorted(own, key=lambda v: v.role != "param")

    @property
    def weights(self) -> list[Variable]:
        """The Variables of the layer and of the layers inside, without those of metrics."""
        return _unique(
            self.own_variables() + [v for layer in self.sublayers() for v in layer.weights]
        )

    @property
    def variables(self) -> list[Variable]:
        """All Variables of the layer and of the layers and metrics inside."""
        return _unique(self.weights + self.metrics_variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that training changes."""
        if not self._trainable:
            return []
        own = [v for v in self.own_variables() if v.trainable and v.role == "param"]
        return _unique(own + [v for la in self.sublayers() for v in la.trainable_variables])

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The Variables that training does not change by gradients, metrics' included."""
        trained = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change by gradients."""
        trained = {id(v) for v in self.trainable_variables}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and of the layers inside."""
        own = [
            thing
            for thing in holdings(self)
            if isinstance(thing, Owner) and (thing.category == "metrics")
        ]
        return own + [metric for layer in self.sublayers() for metric in layer.metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The Variables of those metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `weights` as NumPy arrays."""
        return [np.array(v.numpy()) for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Sets the values of `weights`, in the order of `get_weights()`.

        Raises:
            ValueError: the number or a shape differs; nothing is changed then.
        """
        own = self.weights
        values = list(weights)
        if len(own) != len(values):
            raise ValueError(
                f"{self._who()} has {len(own)} weights; received {len(values)} arrays."
                + ("" if self.built else "\nThe layer is not built: call it on an input first.")
            )
        for variable, value in zip(own, values, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"{self._who()}: weight {variable.path!r} has the shape {variable.shape}; "
                    f"received {tuple(np.shape(value))}. No weight was changed."
                )
        for variable, value in zip(own, values, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """Returns the number of elements in all weights."""
        if not self.built:
            raise ValueError(
                f"{self._who()} is not built, so that its weights are not known. "
                "Call it on an input, or give it an input shape."
            )
        return sum(v.size for v in self.weights)

    # ------------------------------------------------------------------------------------ losses

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar (or scalars) to the loss of the step that is running."""
        scope.current().losses.extend(loss if isinstance(loss, (list, tuple)) else [loss])

    @property
    def losses(self) -> list[Any]:
        """Losses of regularizers, and those added in the last call."""
        regularized = [
            v.regularizer(v) for v in self.trainable_variables if v.regularizer is not None
        ]
        around = scope.current()
        added = self._last_losses if around.parent is None else around.losses
        return list(added) + regularized

    # -------------------------------------------------------------------------------- being called

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
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
        self._prepare(signature, tensors)
        outputs = self.run(args, kwargs)
        if tensors and (masks is not None or self.supports_masking):
            self._pass_masks(next(iter(tensors.values())), masks, outputs)
        if outermost:
            self._last_losses = around.losses
        return outputs

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
            outputs = self.call(*args, **kwargs)
            if self.activity_regularizer is not None:
                for output in jax.tree_util.tree_leaves(outputs):
                    rows = max(output.shape[0], 1) if output.ndim else 1
                    around.losses.append(self.activity_regularizer(output) / rows)
        finally:
            around.training, around.compute_dtype, around.layers = before
        return outputs

    def _draw(self, args: Any, kwargs: Any) -> Any:
        """Records the call on symbolic Tensors as a node, and returns its outputs."""
        signature = call_signature(type(self))
        kwargs = {k: v for k, v in kwargs.items() if not (k == "training" and v is None)}
        tensors = signature.tensors(args, kwargs)
        masks = self._take_masks(signature, tensors, kwargs, _mask_of)
        try:
            self._prepare(signature, tensors)
            outputs = self._infer(args, kwargs)
        except Exception as error:
            shapes = ", ".join(_shown(value) for value in tensors.values())
            raise at(error, f"{self._who()} {inside()}, called on {shapes}", self._who()) from error
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
            return _infer_by_config(self, args, kwargs)
        return infer(lambda *a, **k: self.run(a, k), args, kwargs)

    def _arrays(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        if len(args) == 1 and not kwargs and isinstance(args[0], jax.Array):
            return args, kwargs
        return tree.map(_array, (args, kwargs))

    def _prepare(self, signature: CallSignature, tensors: dict[str, Any]) -> None:
        """Checks the input against `input_spec`, and builds the layer if it is not."""
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

    def _who(self) -> str:
        return f"{type(self).__name__} layer {self.name!r}"

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
            warnings.warn(
                f"{self._who()} received an input with a mask and does not support masking: "
                "layers after it will not see the mask.",
                stacklevel=4,
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
        constant = self.compute_mask if masks is not None else _unmasked(self.compute_mask)
        if masks is None:
            return record(Op("compute_mask", constant), (inputs,), {})
        return record(Op("compute_mask", constant), (inputs, masks), {})

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
                "model that it was part of is gone."
            )
        if len(nodes) > 1:
            raise AttributeError(
                f"{self._who()} was called {len(nodes)} times, so that {what!r} is ambiguous. "
                "Keep the Tensor that the call returned."
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


class CallSignature:
    """What the `call` of a class of layers accepts.

    Attributes:
        names: its parameter names, without `self`.
        training, mask: whether it has such a parameter.
        default: the default of `training`.
    """

    __slots__ = ("_position", "default", "mask", "names", "open", "training")

    def __init__(self, fn: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(fn).parameters.values())[1:]
        plain = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self.names = [p.name for p in plain]
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.training = "training" in self.names
        self.mask = "mask" in self.names
        self.default = next((p.default for p in plain if p.name == "training"), None)
        self._position = self.names.index("training") if self.training else -1

    def tensors(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """Returns the arguments that hold arrays or Tensors, by parameter name."""
        named = dict(zip(self.names, args, strict=False))
        for i in range(len(named), len(args)):
            named[f"argument_{i}"] = args[i]
        named.update(kwargs)
        return {
            name: value
            for name, value in named.items()
            if name not in ("training", "mask") and not name.endswith("_mask") and _holds(value)
        }

    def phase(self, args: Any, kwargs: Any, around: bool | None) -> tuple[Any, Any, Any]:
        """Returns args, kwargs and the training phase: as passed, as around, or the default."""
        given = None
        if self.training and len(args) > self._position >= 0:
            given = args[self._position]
            args = (*args[: self._position], *args[self._position + 1 :])
            if len(args) > self._position:
                raise TypeError("Pass the arguments after `training` by keyword.")
        elif "training" in kwargs:
            given = kwargs["training"]
            kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        phase = given if given is not None else around
        if phase is None:
            phase = self.default if isinstance(self.default, bool) else False
        if self.training:
            kwargs = {**kwargs, "training": phase}
        return args, kwargs, phase


_signatures: dict[Any, CallSignature] = {}


def call_signature(cls: type) -> CallSignature:
    """Returns what the `call` of a class accepts."""
    call = cls.call  # type: ignore[attr-defined]
    if call not in _signatures:
        _signatures[call] = CallSignature(call)
    return _signatures[call]


class _Within:
    """A `with` block in which Variables get paths below a layer, at full precision."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def __enter__(self) -> None:
        around = scope.current()
        self.before = (around.layers, around.compute_dtype)
        if around.layers[-1:] != (self.layer.name,):
            around.layers = (*around.layers, self.layer.name)
        around.compute_dtype = None

    def __exit__(self, *_: Any) -> None:
        around = scope.current()
        around.layers, around.compute_dtype = self.before


def _naming_build(build: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(build)
    def named(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._building:  # super().build() of a subclass
            return build(self, *args, **kwargs)
        self._building = True
        try:
            with _Within(self):
                build(self, *args, **kwargs)
        finally:
            self._building = False
        self.built = True
        return None

    return named


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
            f"A layer was called on the layer {x.name!r}, not on a Tensor: that one was created "
            f"but not called.\nWrite {type(x).__name__}(...)(x)."
        )
    return jnp.asarray(x) if isinstance(x, (np.ndarray, np.generic)) else x


def _cast(args: Any, kwargs: Any, dtype: str) -> tuple[Any, Any]:
    if len(args) == 1 and isinstance(args[0], jax.Array):
        return (_cast_leaf(args[0], dtype), *args[1:]), kwargs
    return jax.tree_util.tree_map(lambda x: _cast_leaf(x, dtype), (args, kwargs))


def _cast_leaf(x: Any, dtype: str) -> Any:
    if isinstance(x, jax.Array) and x.dtype != dtype and is_float(x.dtype):
        return x.astype(dtype)
    return x


def _holds(value: Any) -> bool:
    if isinstance(value, (Tensor, jax.Array)):
        return True
    if isinstance(value, (list, tuple)):
        return any(_holds(item) for item in value)
    if isinstance(value, dict):
        return any(_holds(item) for item in value.values())
    return False


def _shape(x: Any) -> Any:
    return standardize_shape(x.shape) if isinstance(x, (Tensor, jax.Array)) else None


def _mask_of(x: Any) -> Any:
    return x.mask if isinstance(x, Tensor) else None


def _some(masks: Any) -> Any:
    return masks if any(mask is not None for mask in tree.leaves(masks)) else None


def _unmasked(compute_mask: Callable[..., Any]) -> Callable[..., Any]:
    return lambda inputs: compute_mask(inputs, None)


def _shown(value: Any) -> str:
    shapes = tree.map(lambda x: getattr(x, "shape", x), value)
    return f"shape {shapes}"


def map_shapes(fn: Callable[[Any], Any], shapes: Any) -> Any:
    """Applies a function to each shape in nested lists and dicts of shapes."""
    if isinstance(shapes, dict):
        return {name: map_shapes(fn, shape) for name, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shapes):
        return [map_shapes(fn, shape) for shape in shapes]
    return fn(tuple(shapes))


def _unique(variables: list[Variable]) -> list[Variable]:
    return list({id(v): v for v in variables}.values())


_inferred: dict[Any, Any] = {}


def _infer_by_config(layer: Layer, args: Any, kwargs: Any) -> Any:
    """Infers shapes, remembering them by class, constructor arguments and input specs."""
    leaves, definition = tree.take_apart((args, kwargs))
    key: Any = None
    try:
        made, words = layer._constructed_with
        config = tuple((k, v) for k, v in sorted(words.items()) if k != "name")
        specs = tuple(
            (leaf.shape, leaf.dtype) if isinstance(leaf, Tensor) else (type(leaf), leaf)
            for leaf in leaves
        )
        settled = (layer.dtype_policy, layer.data_format)
        key = (type(layer), made, config, settled, definition, specs)
        known = _inferred.get(key)
    except TypeError:  # something unhashable, such as a list
        key = known = None
    if known is not None:
        return jax.tree_util.tree_map(lambda s: Tensor(*s), known, is_leaf=is_spec)
    outputs = infer(lambda *a, **k: layer.run(a, k), args, kwargs)
    if key is not None:
        if len(_inferred) >= 4096:
            _inferred.clear()
        _inferred[key] = jax.tree_util.tree_map(lambda t: Spec(t.shape, t.dtype), outputs)
    return outputs
