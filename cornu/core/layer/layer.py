"""Layer: owns Variables and other layers, and maps inputs to outputs in `call`."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, overload

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry, tree
from cornu.core.graph.inference import infer_outputs, infer_outputs_by_config, record_op
from cornu.core.graph.op import Op, is_symbolic
from cornu.core.graph.remat import RematMode, current_remat_mode
from cornu.core.graph.tensor import Node, Tensor, standardize_shape
from cornu.core.layer import calling
from cornu.core.layer.call_errors import describe_missing_input, locate_call_error
from cornu.core.layer.masks import attach_masks, fill_mask_arguments, symbolic_mask
from cornu.core.layer.signature import call_signature
from cornu.core.layer.stateless import call_with_values
from cornu.core.layer.variables import VariableScope, remove_duplicates, set_values, wrap_build
from cornu.core.state import scope
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.dtypes import is_float
from cornu.core.state.tracking import VariableOwner, iterate_owned
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_location
from cornu.errors import suggest
from cornu.names import auto_name
from cornu.types import (
    ConstraintLike,
    DTypeLike,
    InitializerLike,
    PyTree,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["Layer", "map_shapes"]

_INPUT_ARGUMENTS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


class Layer(VariableOwner):
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

    # True if equal constructor arguments and input specs always give equal output specs, so that
    # shape inference may be cached. Holds for cornu's own layers that own no other layers.
    infers_by_config: ClassVar[bool] = False
    # Whether each row of the output depends on the same row of the input alone, so that padding
    # rows do no harm. None: not known.
    rowwise: bool | None = None
    # Whether the layer is a model, with inputs and outputs of its own.
    is_model: ClassVar[bool] = False
    # Attributes that do not affect what the layer computes.
    bookkeeping: ClassVar[frozenset[str]] = VariableOwner.bookkeeping | {
        *("_name", "_building", "_last_losses", "_nodes", "_input_shape_given")
    }

    # The graph between inputs and outputs, of a functional model.
    functional_graph: Any = None
    # The order of axes, in layers that have one; like the dtype policy, what held at construction.
    data_format: str | None = None

    built: bool
    autocast: bool
    activity_regularizer: Callable[..., Any] | None
    input_spec: Any
    supports_masking: bool
    _name: str
    _trainable: bool
    _policy: DTypePolicy | None
    _building: bool
    _weights: list[Variable]
    _last_losses: list[Any]
    _nodes: list[weakref.ref[Node]]
    _input_shape_given: tuple[int | None, ...] | None
    _remat: RematMode | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__ and cls.__module__.partition(".")[0] != "cornu":
            # A program's own `call` need not keep what the class it overrides promises.
            cls.infers_by_config = cls.__dict__.get("infers_by_config", False)
            cls.rowwise = cls.__dict__.get("rowwise")
        if "build" in cls.__dict__:
            cls.build = wrap_build(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        # Set here, so that a subclass that forgets super().__init__() still works.
        self.built = False
        self._name = ""
        self._trainable = True
        self._policy = None
        self._building = False
        self._weights = []
        self._last_losses = []
        self._nodes = []
        self._input_shape_given = None
        self._remat = current_remat_mode()
        self.autocast = True
        self.activity_regularizer = None
        self.input_spec = None
        self.supports_masking = cls.compute_mask is not Layer.compute_mask
        return self

    def __init__(
        self,
        *,
        activity_regularizer: RegularizerLike | None = None,
        trainable: bool = True,
        dtype: DTypeLike | DTypePolicy | dict[str, Any] | None = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._input_shape_given = _input_shape_from(type(self), kwargs)
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"A layer's name is a string without '/'. Received: {name!r}")
        self._name = name or auto_name(type(self).__name__)
        self._policy = get_policy(dtype)
        self._trainable = bool(trainable)
        self.autocast = autocast
        self.activity_regularizer = registry.resolve("regularizers", activity_regularizer)

    # -------------------------------------------------------------------- what a subclass defines

    def build(self, input_shape: Any) -> None:
        """Creates the layer's Variables; called once, with the first input's shape."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs from the inputs."""
        raise NotImplementedError(
            f"{type(self).__name__} does not define `call`.\n"
            "Write `def call(self, inputs)`, which returns the outputs."
        )

    def compute_mask(self, inputs: PyTree, previous_mask: PyTree) -> PyTree:
        """Returns the mask of the outputs; by default that of the inputs."""
        return previous_mask

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> PyTree:
        """Returns symbolic Tensors of the shapes and dtypes that the outputs would have."""
        calling.build_and_check(self, call_signature(type(self)).bind_tensors(args, kwargs))
        return infer_outputs(lambda *a, **k: self.run(a, k), args, kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the output for a shape of the input."""
        inputs = map_shapes(lambda shape: Tensor(shape, dtype=self.compute_dtype), input_shape)
        outputs = self.compute_output_spec(inputs)
        return jax.tree_util.tree_map(lambda t: t.shape, outputs)

    def find_data_problem(self, values: np.ndarray) -> str | None:
        """Returns what is wrong with data that is fed straight into the layer, or None."""
        return None

    # ------------------------------------------------------------------------------------- calls

    @overload
    def __call__(
        self, inputs: Tensor | Sequence[Tensor], /, *args: Any, **kwargs: Any
    ) -> Tensor: ...

    @overload
    def __call__(
        self, inputs: jax.Array | np.ndarray, /, *args: Any, **kwargs: Any
    ) -> jax.Array: ...

    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if is_symbolic(args, kwargs):
                return self._call_symbolic(args, kwargs)
            around = scope.current()
            outermost = around.parent is None and not around.layer_path
            if outermost:
                around.losses = []
            args, kwargs = self._convert_arguments(args, kwargs)
            signature = call_signature(type(self))
            tensors = signature.bind_tensors(args, kwargs)
            masks = fill_mask_arguments(signature, tensors, kwargs, around.masks.get)
            if not tensors and args and not self.built and type(self).build is not Layer.build:
                raise TypeError(describe_missing_input(args[0]))
            calling.build_and_check(self, tensors)
            outputs = self.run(args, kwargs)
            if tensors and (masks is not None or self.supports_masking):
                attach_masks(self, next(iter(tensors.values())), masks, outputs)
            if outermost:
                self._last_losses = around.losses
            return outputs
        except Exception as error:
            raise locate_call_error(self, error, args, kwargs)  # noqa: B904 - it sets the cause

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls a built layer on arrays: sets training phase, dtype and path around `call`."""
        return calling.run_call(self, args, kwargs)

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        key: jax.Array | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Calls the layer with given values for its Variables, changing nothing.

        Args:
            trainable_variables: values of `trainable_variables`.
            non_trainable_variables: values of `non_trainable_variables`.
            *args: inputs.
            return_losses: whether losses are returned as well.
            key: a JAX random key, for layers that draw random numbers; not needed within a
                training step, which has one.
            **kwargs: further arguments of `call`.

        Returns:
            `(outputs, new non_trainable_variables)`, and the losses if asked for.
        """
        outputs, values, losses = call_with_values(
            self, trainable_variables, non_trainable_variables, args, kwargs, key
        )
        return (outputs, values, losses) if return_losses else (outputs, values)

    # Four hooks, which models and preprocessing layers override.

    def _convert_arguments(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return calling.convert_arguments(args, kwargs)

    def _build_from_shapes(self, shapes: dict[str, Any]) -> None:
        calling.build_from_shapes(self, shapes)

    def _call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyTree:
        """Records the call on symbolic Tensors as a node, and returns its outputs."""
        signature = call_signature(type(self))
        kwargs = {k: v for k, v in kwargs.items() if not (k == "training" and v is None)}
        tensors = signature.bind_tensors(args, kwargs)
        masks = fill_mask_arguments(signature, tensors, kwargs, symbolic_mask)
        calling.build_and_check(self, tensors)
        outputs = self._infer_call(args, kwargs)
        if not any(isinstance(leaf, Tensor) for leaf in tree.leaves(outputs)):
            raise TypeError(
                f"{type(self).__name__}.call returned {outputs!r}, no array.\n"
                "Often its `return` is missing."
            )
        node = Node(self, args, kwargs, outputs)
        # Weak references: a layer does not keep the graphs alive that it is part of.
        self._nodes = [ref for ref in self._nodes if ref() is not None] + [weakref.ref(node)]
        if tensors and (masks is not None or self.supports_masking):
            attach_masks(self, next(iter(tensors.values())), masks, node.outputs)
        return node.outputs

    def _infer_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyTree:
        if type(self).compute_output_spec is not Layer.compute_output_spec:
            return self.compute_output_spec(*args, **kwargs)
        if self.infers_by_config:
            return infer_outputs_by_config(self, args, kwargs)
        return infer_outputs(lambda *a, **k: self.run(a, k), args, kwargs)

    def _compute_symbolic_mask(self, inputs: PyTree, masks: PyTree) -> PyTree:
        if type(self).compute_mask is Layer.compute_mask:
            return masks
        return record_op(Op("compute_mask", self.compute_mask), (inputs, masks), {})

    @property
    def input(self) -> PyTree:
        """The Tensor (or structure of them) that the layer was called on, if called once."""
        args = self._only_node("input").args
        return args[0] if len(args) == 1 else list(args)

    @property
    def output(self) -> PyTree:
        """The Tensor (or structure of them) that the layer returned, if it was called once."""
        return self._only_node("output").outputs

    def _only_node(self, attribute: str) -> Node:
        nodes = [node for node in (ref() for ref in self._nodes) if node is not None]
        if not nodes:
            raise AttributeError(
                f"{self._label()} has no {attribute}: it was not called on a symbolic Tensor, or "
                "the model that it was part of is gone.\nCall it on a Tensor first, keep the "
                f"model. This happened {user_location()}."
            )
        if len(nodes) > 1:
            raise AttributeError(
                f"{self._label()} was called {len(nodes)} times, so that {attribute!r} is "
                "ambiguous. Keep the Tensor that the call returned. "
                f"This happened {user_location()}."
            )
        return nodes[0]

    # -------------------------------------------------------------------------- names and dtypes

    @property
    def name(self) -> str:
        """The layer's name."""
        if not self._name:
            self._name = auto_name(type(self).__name__)
        return self._name

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes of the layer's computation and of its Variables."""
        if self._policy is None:
            self._policy = get_policy(None)
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: DTypeLike | DTypePolicy | dict[str, Any] | None) -> None:
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
        """Whether training changes the layer; setting it also sets it for all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers():
            layer.trainable = value

    # --------------------------------------------------------------------------------- Variables

    def add_weight(
        self,
        shape: int | ShapeLike | None = None,
        initializer: InitializerLike | jax.Array | np.ndarray | float | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: RegularizerLike | None = None,
        constraint: ConstraintLike | None = None,
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
        dtype = self.variable_dtype if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(jnp.dtype(dtype)) else "zeros"
        with VariableScope(self):
            variable = Variable(
                registry.resolve("initializers", initializer),
                shape=() if shape is None else shape,
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
        return [owned for owned in iterate_owned(self) if isinstance(owned, Layer)]

    def own_variables(self) -> list[Variable]:
        """Returns the layer's own weights, trainable ones first."""
        own = [v for v in iterate_owned(self) if isinstance(v, Variable) and v.role != "metric"]
        return sorted(own, key=lambda v: v.role != "param")

    @property
    def weights(self) -> list[Variable]:
        """The Variables of the layer and of the layers inside, without those of metrics."""
        inner = [v for layer in self.sublayers() for v in layer.weights]
        return remove_duplicates(self.own_variables() + inner)

    @property
    def variables(self) -> list[Variable]:
        """The Variables of the layer and of the layers inside; see `metrics_variables`."""
        return self.weights

    @property
    def all_variables(self) -> list[Variable]:
        """The Variables of the layer, and of the layers and metrics inside."""
        return remove_duplicates(self.weights + self.metrics_variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that training changes."""
        if not self._trainable:
            return []
        own = [v for v in self.own_variables() if v.trainable and v.role == "param"]
        inner = [v for layer in self.sublayers() for v in layer.trainable_variables]
        return remove_duplicates(own + inner)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The Variables that training does not change by gradients."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change by gradients."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and of the layers inside."""
        own = [
            owned
            for owned in iterate_owned(self)
            if isinstance(owned, VariableOwner) and owned.category == "metrics"
        ]
        return own + [metric for layer in self.sublayers() for metric in layer.metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The Variables of those metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `weights` as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    @api_boundary
    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of `weights`, in the order of `get_weights()`.

        Raises:
            ValueError: the number or a shape differs; nothing is changed then.
        """
        set_values(self, list(weights))

    @api_boundary
    def count_params(self) -> int:
        """Returns the number of elements in all weights."""
        if not self.built:
            raise ValueError(
                f"{self._label()} is not built, so that its weights are not known. "
                "Call it on an input, or give it an input shape."
            )
        return sum(v.size for v in self.weights)

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

    # ------------------------------------------------------------------------------ descriptions

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

    def _label(self) -> str:
        """Returns class and name, as error messages begin."""
        return f"{type(self).__name__} layer {self.name!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _input_shape_from(cls: type, kwargs: dict[str, Any]) -> tuple[int | None, ...] | None:
    """Returns the batch shape from the keyword arguments that a first layer takes."""
    unknown = [name for name in kwargs if name not in _INPUT_ARGUMENTS]
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


def map_shapes(fn: Callable[[Any], Any], shapes: Any) -> Any:
    """Applies a function to each shape in nested lists and dicts of shapes."""
    if isinstance(shapes, dict):
        return {name: map_shapes(fn, shape) for name, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shapes):
        return [map_shapes(fn, shape) for shape in shapes]
    return fn(tuple(shapes))
