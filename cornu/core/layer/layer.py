"""Layer: owns Variables and other layers, and maps inputs to outputs in `call`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, overload

import jax
import numpy as np

from cornu import registry
from cornu.core.graph.op import is_symbolic
from cornu.core.graph.tensor import Tensor
from cornu.core.layer import calling, configs, symbolic
from cornu.core.layer.call_errors import describe_missing_input, locate_call_error
from cornu.core.layer.dtype_methods import DTypeMethods
from cornu.core.layer.masks import attach_masks, fill_mask_arguments
from cornu.core.layer.shapes import input_shape_from
from cornu.core.layer.signature import call_signature
from cornu.core.layer.stateless import call_with_values
from cornu.core.layer.variables import wrap_build
from cornu.core.layer.weight_methods import WeightMethods
from cornu.core.state import scope, sharing
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.tracking import VariableOwner, iterate_owned
from cornu.core.tracebacks.api_boundary import keep_traceback
from cornu.names import is_library_class, printable
from cornu.types import ArrayLike, DTypeLike, PyTree, RegularizerLike, Shape

__all__ = ["Layer"]

# Methods of which it matters whether a class has its own.
_HOOKS = ("compute_mask", "compute_output_shape", "compute_output_spec")


class Layer(DTypeMethods, WeightMethods):
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

    Differences: a layer does not keep the graphs alive that it is part of.

    Extensions: `get_config()` need not be defined, since the arguments of the constructor are
    captured.
    """

    _category_ = "layers"

    # True if equal constructor arguments and input specs always give equal output specs, so that
    # shape inference may be cached. Holds for cornu's own layers that own no other layers.
    _infers_by_config_: ClassVar[bool] = False
    # Which of `_HOOKS` the class, or a base class of it, overrides.
    _overridden_: ClassVar[frozenset[str]] = frozenset()
    # Checks the shape of the first input before each call, in layers that have nothing to build.
    _check_shape_: ClassVar[Callable[[Any, Any], None] | None] = None
    # Whether each row of the output depends only on the same row of the input. Partial batches can
    # then be padded without changing the results. None: unknown.
    _rowwise_: bool | None = None
    # Whether inputs may consist of strings. In a model, a call on strings runs on the host.
    _accepts_strings_: ClassVar[bool] = False
    # Whether `call` computes with sparse arrays; other layers receive dense ones.
    _accepts_sparse_: bool = False
    # Whether arguments are converted to arrays, from whose shapes the layer is built. A layer of
    # another package may take strings, or symbolic tensors of TensorFlow in a pipeline of data.
    _converts_inputs_: bool = True
    # Prevents AutoGraph, which `tf.data.Dataset.map` applies to the code of a layer, from rewriting
    # the library.
    autograph_info__: ClassVar[dict[str, Any]] = {}
    # Whether the layer is a model, with inputs and outputs of its own.
    _is_model_: ClassVar[bool] = False
    # Whether files begin with the layers of its graph, as those of a Functional model in Keras.
    _is_functional_: bool = False
    # Attributes that do not affect what the layer computes.
    _bookkeeping_: ClassVar[frozenset[str]] = VariableOwner._bookkeeping_ | {
        *("name", "_building_", "_built_with_", "_last_losses_", "_nodes_", "_input_shape_given_"),
        "_policy_map_",
    }

    # Keyword arguments that the layer passes on to the layers that it calls.
    _context_arguments_: frozenset[str] = frozenset()
    # The graph of a functional model, and the Trainer of a model.
    _graph_: Any = None
    _trainer_: Any = None
    # The order of axes, in layers that have one. Like the dtype policy, it is resolved at
    # construction, so a later change of the process-wide setting has no effect.
    data_format: str | None = None

    autocast: bool
    activity_regularizer: Callable[..., Any] | None
    # What the first input must be, checked in each call: an InputSpec or a structure of them.
    input_spec: Any = None
    # Whether the layer passes masks on. By default those do that define `compute_mask`.
    supports_masking: bool = False
    _building_: bool
    _built_with_: tuple[tuple[Any, ...], dict[str, Any]] | None
    _input_shape_given_: Shape | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__:
            symbolic.name_shape_parameters(cls, Layer.compute_output_shape)
        cls._overridden_ = frozenset(
            name for name in _HOOKS if getattr(cls, name) is not getattr(Layer, name)
        )
        if is_library_class(_definer(cls, "compute_output_shape")):
            cls._overridden_ -= {"compute_output_shape"}  # it is inferred in any case
        if "call" in cls.__dict__ and not is_library_class(cls):
            # An overridden `call` need not have the properties declared by the base class.
            cls._infers_by_config_ = cls.__dict__.get("_infers_by_config_", False)
            cls._rowwise_ = cls.__dict__.get("_rowwise_")
            # As in Keras, the program decides how it computes with sparse arrays, unless it may
            # pass them to the `call` of a layer that does not.
            base = cls.__mro__[1]
            base = base if issubclass(base, Layer) else Layer
            cls._accepts_sparse_ = base.call is Layer.call or base._accepts_sparse_
        if "build_from_config" in cls.__dict__ and not is_library_class(cls):
            cls._builds_itself_ = not cls._is_model_  # models are built after their parts are read
        declared = cls.__dict__.get("rowwise")
        if isinstance(declared, bool):  # the name for layers of users
            cls._rowwise_ = declared
        if _defines_mask(cls):
            cls.supports_masking = True
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
        self._input_shape_given_ = None
        self.autocast = True
        self.activity_regularizer = None
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
        self._input_shape_given_ = input_shape_from(type(self), kwargs)
        self._set_name_(name)
        self._policy_ = get_policy(dtype)
        if type(self._policy_) is not DTypePolicy:
            self._set_policy_(self._policy_, self.name)
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
        """Computes the outputs from the inputs. A subclass defines it with parameters of its own.

        A parameter `training` receives the training phase, and a parameter `mask` the mask of the
        first input.

        Args:
            *args, **kwargs: usually `inputs`, an array or a structure of arrays in the shapes that
                the class describes, and other parameters of the subclass.
        """
        return super().call(*args, **kwargs)

    def compute_mask(self, inputs: PyTree, previous_mask: PyTree) -> PyTree:
        """Returns the mask of the outputs; by default that of the inputs.

        Args:
            inputs: the inputs of the call.
            previous_mask: the masks of the inputs, in their structure, with None where there is
                none. A subclass may name the parameter `mask`.
        """
        return previous_mask

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> PyTree:
        """Returns symbolic Tensors with the shapes and dtypes of the outputs.

        By default, they are inferred by tracing `call`.

        Args:
            *args, **kwargs: the arguments of `call`, such as `inputs`, with symbolic Tensors in
                place of arrays.
        """
        return symbolic.infer_output_spec(self, args, kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> PyTree:
        """Returns the shape of the output for the shapes of the inputs.

        Args:
            *args: shapes, or structures of shapes, in the order of the parameters of `call`.
                Arguments of other types are passed to `call` as they are.
            **kwargs: shapes by the name of the parameter of `call`, also with `_shape` at the end
                (`query_shape`). `input_shape` is the shape of the first parameter.
        """
        return symbolic.infer_output_shape(self, args, kwargs)

    def _after_build_(self) -> None:
        """Is called when the layer is built."""

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
                return self.symbolic_call(*args, **kwargs)
            around = scope.current()
            # Layers within this call add to the same list, so that `losses` contains all of them.
            outermost = around.parent is None and not around.layer_path
            if outermost:
                around.losses = []
                if sharing.needs_read_lock():
                    with sharing.read_lock(self._all_variables_):
                        return self(*args, **kwargs)
            if not self._converts_inputs_:
                calling.build_without_conversion(self, args, kwargs)
                return self._run_(args, kwargs)
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

    def _register_call_context_args(self, *names: str) -> None:
        """Passes keyword arguments of a call on to all layers within it, as Keras does.

        A layer within the call that has registered a name, too, receives the argument if its `call`
        has a parameter of this name.
        """
        self._context_arguments_ = self._context_arguments_ | set(names)

    def rematerialized_call(  # type: ignore[override]  # the name of Keras
        self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """Returns `layer_call`, or a function that the backward pass recomputes; see `RematScope`.

        Args:
            layer_call: the method that computes the outputs of the layer.
            *args, **kwargs: the arguments with which it is going to be called.
        """
        return super().rematerialized_call(layer_call, *args, **kwargs)

    # Models and preprocessing layers override the next methods.

    def _convert_arguments_(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return calling.convert_arguments(self, args, kwargs)

    def _build_from_shapes_(self, shapes: dict[str, Any]) -> None:
        calling.build_from_shapes(self, shapes)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> PyTree:
        """Records a call on symbolic Tensors as a node of the graph, and returns its outputs.

        `__call__` calls it if an argument is a symbolic Tensor.

        Args:
            *args, **kwargs: the arguments of the call.
        """
        return symbolic.call_symbolic(self, args, kwargs)

    def _compute_symbolic_mask_(self, inputs: PyTree, masks: PyTree) -> PyTree:
        """Returns the masks of the outputs of a symbolic call, which are Tensors as well."""
        return symbolic.compute_symbolic_mask(self, inputs, masks)

    def _calls_user_code_(self) -> bool:
        """Whether `call` contains code of the user, whose layers may look up masks by array."""
        return not is_library_class(type(self))

    def _infer_call_(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[PyTree, list[Tensor | None]]:
        """Returns the outputs of a symbolic call, and the masks that layers within it attach."""
        return symbolic.infer_call(self, args, kwargs)

    # ------------------------------------------------------------------------------------ parts

    def _sublayers_(self) -> list[Layer]:
        """Returns the direct sublayers, in the order of the attributes."""
        return [owned for owned in iterate_owned(self) if isinstance(owned, Layer)]

    # ------------------------------------------------------------------------------------ configs

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as plain data.

        A subclass need not define it: the arguments are captured when the layer is created.
        """
        return configs.layer_config(self, super().get_config())

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the shapes with which the layer was built, or None if `build` was not called."""
        return configs.build_config(self)

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the layer from what `get_build_config()` returned, in this library or in Keras.

        Args:
            config: a dict of `"input_shape"`, or of `"shapes_dict"` with a shape for each parameter
                of `build`; None or an empty dict changes nothing.
        """
        # Otherwise sublayers are built by their own configs.
        if config and type(self).build is not Layer.build:
            configs.build(self, config)

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


def _defines_mask(cls: type) -> bool:
    """Whether a class defines `compute_mask`, and no class after that says if it supports masks."""
    return "supports_masking" not in vars(_definer(cls, "compute_mask", "supports_masking"))


def _definer(cls: type, *names: str) -> type:
    """Returns the class, of a class and its base classes, that defines one of some attributes."""
    return next(base for base in cls.__mro__ if any(name in vars(base) for name in names))
