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
from cornu.core.layer.masks import (
    attach_inner_masks,
    attach_masks,
    fill_mask_arguments,
    symbolic_mask,
)
from cornu.core.layer.signature import call_signature
from cornu.core.layer.stateless import call_with_values
from cornu.core.layer.variables import VariableScope, remove_duplicates, set_values, wrap_build
from cornu.core.state import scope, sharing
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.dtypes import is_float
from cornu.core.state.overridable import overridable_property
from cornu.core.state.tracking import VariableOwner, iterate_owned
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary, keep_traceback
from cornu.core.tracebacks.user_frames import user_location
from cornu.errors import suggest_argument
from cornu.names import auto_name, check_name, is_library_class, printable
from cornu.types import (
    ArrayLike,
    ConstraintLike,
    DTypeLike,
    InitializerLike,
    PyTree,
    RegularizerLike,
    Shape,
    ShapeLike,
)

__all__ = ["Layer", "map_shapes", "shapes_from_json"]

_INPUT_ARGUMENTS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


class Layer(VariableOwner):
    """The base class of all layers and models.

    A subclass defines `call`. It creates its Variables with `add_weight`, either in `build`, which
    receives the shape of the input, or in the constructor. Sublayers are found among the
    attributes, including lists and dicts; they may be created in the constructor, in `build` or in
    `call`.

    Args:
        activity_regularizer: a function of the output. Its value, divided by the batch size, is
            added to the loss.
        trainable: whether training updates the Variables of the layer.
        dtype: a dtype or dtype policy; by default the process-wide policy.
        autocast: whether float inputs and Variables are cast to the compute dtype.
        name: the name of the layer; by default derived from the class, such as `dense_1`.
        **kwargs: `input_shape` (without the batch axis), `batch_input_shape` (with it),
            `input_dim` or `batch_size`, for the first layer of a Sequential model.

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

    Differences: `get_config()` need not be defined, since the arguments of the constructor are
    captured. A layer does not keep the graphs alive that it is part of.
    """

    _category_ = "layers"

    # True if equal constructor arguments and input specs always give equal output specs, so that
    # shape inference may be cached. Holds for cornu's own layers that own no other layers.
    _infers_by_config_: ClassVar[bool] = False
    # Checks the shape of the first input before each call, in layers that have nothing to build.
    _check_shape_: ClassVar[Callable[[Any, Any], None] | None] = None
    # Whether each row of the output depends only on the same row of the input. Partial batches can
    # then be padded without changing the results. None: unknown.
    _rowwise_: bool | None = None
    # Whether inputs may consist of strings. In a model, a call on strings runs on the host.
    _accepts_strings_: ClassVar[bool] = False
    # Whether the layer is a model, with inputs and outputs of its own.
    _is_model_: ClassVar[bool] = False
    # Whether files begin with the layers of its graph, as those of a Functional model in Keras.
    _is_functional_: bool = False
    # Attributes that do not affect what the layer computes.
    _bookkeeping_: ClassVar[frozenset[str]] = VariableOwner._bookkeeping_ | {
        *("name", "_building_", "_built_with_", "_last_losses_", "_nodes_", "_input_shape_given_")
    }

    # The graph of a functional model, and the Trainer of a model.
    _graph_: Any = None
    _trainer_: Any = None
    # The order of axes, in layers that have one. Like the dtype policy, it is resolved at
    # construction, so a later change of the process-wide setting has no effect.
    data_format: str | None = None

    built: bool
    autocast: bool
    activity_regularizer: Callable[..., Any] | None
    input_spec: Any
    supports_masking: bool
    _trainable: bool
    _policy_: DTypePolicy | None
    _building_: bool
    _built_with_: tuple[tuple[Any, ...], dict[str, Any]] | None
    _weights_: list[Variable]
    _last_losses_: list[Any]
    _nodes_: list[weakref.ref[Node]]
    _input_shape_given_: Shape | None
    _remat_: RematMode | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__ and not is_library_class(cls):
            # An overridden `call` need not have the properties declared by the base class.
            cls._infers_by_config_ = cls.__dict__.get("_infers_by_config_", False)
            cls._rowwise_ = cls.__dict__.get("_rowwise_")
        declared = cls.__dict__.get("rowwise")
        if isinstance(declared, bool):  # the name for layers of users
            cls._rowwise_ = declared
        if "build" in cls.__dict__:
            cls.build = wrap_build(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        # Set here and not in `__init__`, so that a subclass that does not call
        # `super().__init__()` still works.
        self.built = False
        self._trainable = True
        self._policy_ = None
        self._building_ = False
        self._built_with_ = None
        self._weights_ = []
        self._last_losses_ = []
        self._nodes_ = []
        self._input_shape_given_ = None
        self._remat_ = current_remat_mode()
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
        self._input_shape_given_ = _input_shape_from(type(self), kwargs)
        if name is not None:
            check_name("A layer's name", name, forbidden="/")
        self.name = name or auto_name(type(self).__name__)
        self._policy_ = get_policy(dtype)
        self._trainable = bool(trainable)
        self.autocast = autocast
        self.activity_regularizer = registry.resolve("regularizers", activity_regularizer)

    # -------------------------------------------------------------- methods that subclasses define

    def build(self, input_shape: PyTree) -> None:
        """Creates the Variables of the layer. Called once, before the first call.

        Args:
            input_shape: the shape of the first input, with None for unknown sizes. A `build` with
                several parameters receives the shapes of the arguments of `call` by name, such as
                `query_shape`.
        """
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> PyTree:
        """Computes the outputs from the inputs.

        A parameter `training` receives the training phase, and a parameter `mask` the mask of the
        first input.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not define `call`.\n"
            "Define `call(self, inputs)`, which returns the outputs."
        )

    def compute_mask(self, inputs: PyTree, previous_mask: PyTree) -> PyTree:
        """Returns the mask of the outputs; by default that of the inputs."""
        return previous_mask

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> PyTree:
        """Returns symbolic Tensors with the shapes and dtypes of the outputs.

        By default, they are inferred by tracing `call`.
        """
        calling.build_and_check(self, call_signature(type(self)).bind_tensors(args, kwargs))
        return infer_outputs(lambda *a, **k: self._run_(a, k), args, kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> PyTree:
        """Returns the shape of the output for the shapes of the inputs.

        Args:
            *args: shapes, or structures of shapes, in the order of the parameters of `call`.
                Arguments of other types are passed to `call` as they are.
            **kwargs: shapes by the name of the parameter of `call`, also with `_shape` at the end
                (`query_shape`). `input_shape` is the shape of the first parameter.
        """
        names = call_signature(type(self)).names
        named: dict[str, Any] = {}
        for name, value in kwargs.items():
            parameter = names[0] if name in ("input_shape", "inputs_shape") and names else name
            named[parameter if parameter in names else parameter.removesuffix("_shape")] = value

        def to_tensors(value: Any) -> Any:
            if not isinstance(value, (list, tuple, dict)):
                return value
            return map_shapes(lambda shape: Tensor(shape, dtype=self.compute_dtype), value)

        outputs = self.compute_output_spec(
            *[to_tensors(value) for value in args],
            **{name: to_tensors(value) for name, value in named.items()},
        )
        return jax.tree_util.tree_map(lambda t: t.shape, outputs)

    def _find_data_problem_(self, values: np.ndarray) -> str | None:
        """Returns what is wrong with an array that is the input of the layer, or None.

        Called for data that a model passes to the layer unchanged, such as the indices of an
        Embedding, whose values cannot be checked inside a compiled step.
        """
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
                return self._call_symbolic_(args, kwargs)
            around = scope.current()
            # Layers within this call add to the same list, so that `losses` contains all of them.
            outermost = around.parent is None and not around.layer_path
            if outermost:
                around.losses = []
                if sharing.needs_read_lock():
                    with sharing.read_lock(self._all_variables_):
                        return self(*args, **kwargs)
            args, kwargs = self._convert_arguments_(args, kwargs)
            signature = call_signature(type(self))
            tensors = signature.bind_tensors(args, kwargs)
            masks = fill_mask_arguments(signature, tensors, kwargs, around.masks.get)
            if not tensors and args and not self.built and type(self).build is not Layer.build:
                raise TypeError(describe_missing_input(args[0]))
            calling.build_and_check(self, tensors)
            outputs = self._run_(args, kwargs)
            if tensors and (masks is not None or self.supports_masking):
                attach_masks(self, next(iter(tensors.values())), masks, outputs)
            if outermost:
                self._last_losses_ = around.losses
            return outputs
        except Exception as error:
            # As in `sharing.read_consistently`. The innermost layer that fails is called again, so
            # that state which the layers before it have assigned is not updated twice.
            if sharing.is_concurrent_deletion(error) and scope.current().parent is None:
                with sharing.read_lock(self._all_variables_):
                    return self(*args, **kwargs)
            new = locate_call_error(self, error, args, kwargs)
            if new is error:
                raise  # without a frame of the library in the traceback
            with keep_traceback(new):
                raise new  # noqa: B904 - its cause is set

    def _run_(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls a built layer on arrays, with its training phase, compute dtype and path."""
        return calling.run_call(self, args, kwargs)

    def stateless_call(
        self,
        trainable_variables: Sequence[ArrayLike],
        non_trainable_variables: Sequence[ArrayLike],
        *args: Any,
        return_losses: bool = False,
        key: jax.Array | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Calls the layer as a pure function of the values of its Variables.

        Args:
            trainable_variables: a value for each of `trainable_variables`.
            non_trainable_variables: a value for each of `non_trainable_variables`.
            *args: the inputs.
            return_losses: whether to return the losses as well.
            key: a JAX random key, for layers that use random numbers. Within a training step, the
                default is derived from the key of the step.
            **kwargs: the keyword arguments of `call`.

        Returns:
            `(outputs, non_trainable_variables)` with the new values, or
            `(outputs, non_trainable_variables, losses)` if `return_losses` is True.

        Raises:
            ValueError: the layer is not built, or the number of values differs.
        """
        outputs, values, losses = call_with_values(
            self, trainable_variables, non_trainable_variables, args, kwargs, key
        )
        return (outputs, values, losses) if return_losses else (outputs, values)

    # Models and preprocessing layers override the next four methods.

    def _convert_arguments_(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return calling.convert_arguments(args, kwargs)

    def _build_from_shapes_(self, shapes: dict[str, Any]) -> None:
        calling.build_from_shapes(self, shapes)

    def _call_symbolic_(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyTree:
        """Records the call on symbolic Tensors as a node, and returns its outputs."""
        signature = call_signature(type(self))
        kwargs = {k: v for k, v in kwargs.items() if not (k == "training" and v is None)}
        tensors = signature.bind_tensors(args, kwargs)
        masks = fill_mask_arguments(signature, tensors, kwargs, symbolic_mask)
        calling.build_and_check(self, tensors)
        outputs, inner_masks = self._infer_call_(args, kwargs)
        if not any(isinstance(leaf, Tensor) for leaf in tree.leaves(outputs)):
            raise TypeError(
                f"{type(self).__name__}.call must return an array. Received: {outputs!r}\n"
                "Often a `return` is missing."
            )
        node = Node(self, args, kwargs, outputs, looks_up_masks=self._calls_user_code_())
        # Weak references: a layer does not keep the graphs alive that it is part of.
        self._nodes_ = [ref for ref in self._nodes_ if ref() is not None] + [weakref.ref(node)]
        if tensors and (masks is not None or self.supports_masking):
            attach_masks(self, next(iter(tensors.values())), masks, node.outputs)
        if masks is None and inner_masks:
            attach_inner_masks(node.outputs, inner_masks)
        return node.outputs

    def _calls_user_code_(self) -> bool:
        """Whether `call` contains code of the user, whose layers may look up masks by array."""
        return not is_library_class(type(self))

    def _infer_call_(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[PyTree, list[Tensor | None]]:
        """Returns the outputs of a symbolic call, and the masks that layers within it attach."""
        if type(self).compute_output_spec is not Layer.compute_output_spec:
            return self.compute_output_spec(*args, **kwargs), []
        if self._infers_by_config_:
            return infer_outputs_by_config(self, args, kwargs), []
        if not self._calls_user_code_():
            return infer_outputs(lambda *a, **k: self._run_(a, k), args, kwargs), []

        def run(*args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
            outputs = self._run_(args, kwargs)
            return outputs, [scope.current().masks.get(leaf) for leaf in tree.leaves(outputs)]

        outputs, masks = infer_outputs(run, args, kwargs)
        return outputs, masks

    def _compute_symbolic_mask_(self, inputs: PyTree, masks: PyTree) -> PyTree:
        if type(self).compute_mask is Layer.compute_mask:
            return masks
        return record_op(Op("compute_mask", self.compute_mask), (inputs, masks), {})

    @property
    def input(self) -> PyTree:
        """The Tensor, or structure of Tensors, that the layer was called on.

        Raises:
            AttributeError: the layer was not called on a Tensor, or called several times.
        """
        args = self._only_node_("input").args
        return args[0] if len(args) == 1 else list(args)

    @property
    def output(self) -> PyTree:
        """The Tensor, or structure of Tensors, that the layer returned.

        Raises:
            AttributeError: the layer was not called on a Tensor, or called several times.
        """
        return self._only_node_("output").outputs

    def _only_node_(self, attribute: str) -> Node:
        nodes = [node for node in (ref() for ref in self._nodes_) if node is not None]
        if not nodes:
            raise AttributeError(
                f"{self._label_()} has no {attribute}: it was not called on a symbolic Tensor, or "
                "the model that contained it was deleted.\nCall it on a Tensor first, and keep a "
                f"reference to the model. This happened {user_location()}."
            )
        if len(nodes) > 1:
            raise AttributeError(
                f"{self._label_()} was called {len(nodes)} times, so {attribute!r} is "
                "ambiguous. Use the Tensor that the call returned. "
                f"This happened {user_location()}."
            )
        return nodes[0]

    # -------------------------------------------------------------------------- names and dtypes

    @overridable_property
    def name(self) -> str:
        """The name of the layer."""
        # Only for a subclass that does not call `super().__init__()`, which sets the attribute.
        self.name = name = auto_name(type(self).__name__)
        return name

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes of the layer's computation and of its Variables."""
        if self._policy_ is None:
            self._policy_ = get_policy(None)
        return self._policy_

    @dtype_policy.setter
    def dtype_policy(self, value: DTypeLike | DTypePolicy | dict[str, Any] | None) -> None:
        self._policy_ = get_policy(value)

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
        """Whether training updates the layer. Assignment also sets it for all sublayers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._sublayers_():
            layer.trainable = value

    # --------------------------------------------------------------------------------- Variables

    def add_weight(
        self,
        shape: int | ShapeLike | None = None,
        initializer: InitializerLike | float | None = None,
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
            shape: the shape; by default `()`, a scalar.
            initializer: the name of an initializer, an initializer, a function of
                `(shape, dtype)`, or the initial value: a number or an array. The default is
                `"glorot_uniform"` for float dtypes and `"zeros"` for others.
            dtype: the dtype; by default `variable_dtype` of the layer.
            trainable: whether training updates the Variable.
            autocast: whether the layer casts the value to its compute dtype.
            regularizer: a function of the Variable whose value is added to the loss.
            constraint: a function that is applied to the value after each training step.
            aggregation: how values are combined over devices.
            overwrite_with_gradient: whether a training step replaces the value by the gradient,
                as for scaling factors of float8 computations.
            name: the name within the layer.

        Returns:
            The Variable. It is part of `weights` of the layer.
        """
        dtype = self.variable_dtype if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(jnp.dtype(dtype)) else "zeros"
        if isinstance(initializer, dict) or inspect.isclass(initializer):
            initializer = registry.resolve("initializers", initializer)
        with VariableScope(self):
            variable = Variable(
                initializer,
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
        self._weights_.append(variable)
        return variable

    def add_variable(
        self,
        shape: int | ShapeLike,
        initializer: InitializerLike | float | None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: RegularizerLike | None = None,
        constraint: ConstraintLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """Creates a Variable of the layer; see `add_weight`."""
        return self.add_weight(
            shape, initializer, dtype, trainable, autocast, regularizer, constraint, name=name
        )

    def _sublayers_(self) -> list[Layer]:
        """Returns the direct sublayers, in the order of the attributes."""
        return [owned for owned in iterate_owned(self) if isinstance(owned, Layer)]

    def _own_variables_(self) -> list[Variable]:
        """Returns the weights of the layer without those of sublayers, trainable ones first."""
        own = [v for v in iterate_owned(self) if isinstance(v, Variable) and v.role != "metric"]
        # By role, not by `trainable`: files and `get_weights` depend on the order, which must not
        # change when a layer is frozen.
        return sorted(own, key=lambda v: v.role != "param")

    @property
    def weights(self) -> list[Variable]:
        """The Variables of the layer and its sublayers, without those of metrics."""
        inner = [v for layer in self._sublayers_() for v in layer.weights]
        return remove_duplicates(self._own_variables_() + inner)

    @property
    def variables(self) -> list[Variable]:
        """The Variables of the layer and its sublayers, without `metrics_variables`."""
        return self.weights

    @property
    def _all_variables_(self) -> list[Variable]:
        """The Variables of the layer, its sublayers and their metrics, with all their parts."""
        counted = [part for v in self.metrics_variables for part in v._parts_]
        return remove_duplicates(self.weights + counted)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that training updates by gradients."""
        if not self._trainable:
            return []
        # The role is that of creation, `trainable` may have been changed since.
        own = [v for v in self._own_variables_() if v.trainable and v.role == "param"]
        inner = [v for layer in self._sublayers_() for v in layer.trainable_variables]
        return remove_duplicates(own + inner)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The Variables that training does not update by gradients."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training updates by gradients."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not update by gradients."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and its sublayers."""
        own = [
            owned
            for owned in iterate_owned(self)
            if isinstance(owned, VariableOwner) and owned._category_ == "metrics"
        ]
        return own + [metric for layer in self._sublayers_() for metric in layer.metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The Variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `weights` as NumPy arrays."""
        weights = self.weights
        return sharing.read_consistently(weights, lambda: [v.numpy() for v in weights])

    @api_boundary
    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets the values of `weights`.

        Args:
            weights: an array for each weight, in the order of `get_weights()`.

        Raises:
            ValueError: the number of arrays or a shape differs. No weight is changed then.
        """
        set_values(self, list(weights))

    @api_boundary
    def count_params(self) -> int:
        """Returns the total number of elements of the weights.

        Raises:
            ValueError: the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"{self._label_()} is not built, so its weights are not known. "
                "Call it on an input, or pass an input shape."
            )
        return sum(v.size for v in self.weights)

    def add_loss(self, loss: ArrayLike | Sequence[ArrayLike]) -> None:
        """Adds a scalar, or several scalars, to the loss of the current step."""
        scope.current().losses.extend(loss if isinstance(loss, (list, tuple)) else [loss])

    @property
    def losses(self) -> list[Any]:
        """The losses added by the last call, and those of regularizers."""
        regularized = [
            v.regularizer(v) for v in self.trainable_variables if v.regularizer is not None
        ]
        around = scope.current()
        added = self._last_losses_ if around.parent is None else around.losses
        return list(added) + regularized

    # ------------------------------------------------------------------------------------ configs

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as plain data.

        A subclass need not define it: the arguments are captured when the layer is created.
        """
        base = {"name": self.name, "trainable": self._trainable, "dtype": self.dtype_policy.name}
        parameters = inspect.signature(type(self).__init__).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            base = {name: value for name, value in base.items() if name in parameters}
        return {**base, **{k: v for k, v in super().get_config().items() if k not in base}}

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the shapes with which the layer was built, or None if `build` was not called."""
        if self._built_with_ is None:
            return None
        args, kwargs = self._built_with_
        bound = inspect.signature(self.build).bind(*args, **kwargs).arguments
        shapes = {name: _plain_shapes(shape) for name, shape in bound.items()}
        # The two forms of Keras, which reads them from files.
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes} if shapes else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer from what `get_build_config()` returned, in this library or in Keras."""
        if type(self).build is Layer.build:
            return  # its sublayers are built by their own configs, or by the first call
        if "input_shape" in config:
            self.build(shapes_from_json(config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**shapes_from_json(config["shapes_dict"]))

    def _state_config_(self) -> dict[str, Any]:
        """Returns what an archive stores in addition to the constructor arguments."""
        built = self.get_build_config()
        return {} if built is None else {"build_config": registry.serialize(built)}

    def _restore_state_(self, config: dict[str, Any]) -> None:
        """Builds the layer as it was, unless a call has already built it."""
        if not self.built and config.get("build_config"):
            self.build_from_config(config["build_config"])

    def _label_(self) -> str:
        """Returns the class and the name of the layer, for error messages."""
        return f"{type(self).__name__} layer {self.name!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={printable(self.name)}, built={self.built}>"


def _input_shape_from(cls: type, kwargs: dict[str, Any]) -> Shape | None:
    """Returns the batch shape that the keyword arguments of a first layer describe, or None.

    Raises:
        TypeError: `kwargs` contains other names.
    """
    unknown = [name for name in kwargs if name not in _INPUT_ARGUMENTS]
    if unknown:
        known = list(inspect.signature(cls.__init__).parameters)[1:]  # type: ignore[misc]
        known = [name for name in known if name not in ("kwargs", "args")]
        known += ["name", "dtype", "trainable", *_INPUT_ARGUMENTS]
        raise TypeError(
            f"{cls.__name__} has no argument {unknown[0]!r}. {suggest_argument(unknown[0], known)}"
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


def map_shapes(fn: Callable[[Shape], Any], shapes: PyTree) -> PyTree:
    """Applies a function to each shape in nested lists and dicts of shapes."""
    if isinstance(shapes, dict):
        return {name: map_shapes(fn, shape) for name, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shapes):
        return [map_shapes(fn, shape) for shape in shapes]
    return fn(tuple(shapes))


def _plain_shapes(value: Any) -> Any:
    """Returns shapes, or nested shapes, as plain data; sizes that are not integers become None."""
    if isinstance(value, dict):
        return {name: _plain_shapes(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_plain_shapes(item) for item in value)
    return int(value) if isinstance(value, (int, np.integer)) else None


def shapes_from_json(value: Any) -> Any:
    """Returns shapes, or nested shapes, that were stored as JSON, which has no tuples."""
    if isinstance(value, dict):
        return {name: shapes_from_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(v, (list, tuple, dict)) for v in value):
        return [shapes_from_json(item) for item in value]
    return tuple(value) if isinstance(value, (list, tuple)) else value
