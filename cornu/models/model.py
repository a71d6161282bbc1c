"""Model: a layer with compile, fit, evaluate, predict and save."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import jax
import numpy as np

from cornu import inspect, registry, tree
from cornu.core.graph.inference import infer_outputs
from cornu.core.graph.op import MaskOp, is_symbolic
from cornu.core.graph.tensor import Tensor
from cornu.core.layer import configs
from cornu.core.layer.call_errors import locate_call_error
from cornu.core.layer.layer import Layer
from cornu.core.layer.shapes import map_shapes
from cornu.core.sparse.arrays import is_sparse, stored_values, to_bcoo, to_rows
from cornu.core.state import scope, sharing
from cornu.core.state.dtypes import is_direct
from cornu.core.state.overridable import overridable_property
from cornu.core.tracebacks.api_boundary import api_boundary, keep_traceback
from cornu.core.tracebacks.user_frames import user_location, user_stacklevel
from cornu.errors import quantity, suggest
from cornu.foreign import check_attributes
from cornu.layers.adaptable import find_conversion
from cornu.models import input_specs
from cornu.models.functional import FunctionalGraph
from cornu.models.graph_config import build_from_graph_config, graph_config
from cornu.models.outputs_of import Recording
from cornu.models.saving_methods import SavingMethods
from cornu.models.string_inputs.reading import (
    InputReader,
    TracedCall,
    contains_strings,
    reads_strings,
)
from cornu.models.string_inputs.split_graph import SplitGraph, functional_graph
from cornu.models.string_inputs.step_inputs import StepInputs
from cornu.names import auto_name, printable
from cornu.training.live_state import describe_trainer, restore_trainer
from cornu.training.trainer import Trainer
from cornu.types import DataLike, PyTree

__all__ = ["Model"]


class Model(SavingMethods):
    """A layer that can be trained, evaluated, saved and inspected.

    There are three ways to create a model:

    * `Model(inputs, outputs)`, from symbolic Tensors (the Functional API). Inputs and outputs
      are Tensors or nested lists, tuples and dicts of Tensors.
    * a subclass that defines `call`.
    * `Sequential([...])`, for a stack of layers.

    Args:
        inputs: Tensors returned by `Input()`, or any Tensors of an existing graph.
        outputs: Tensors computed from the inputs.
        name: the model's name.
        trainable: whether training updates its weights.

    Raises:
        ValueError: the outputs depend on Tensors that are not among the inputs; an output is a
            layer that was not called; an input is passed twice.

    Example:

    >>> import cornu
    >>> inputs = cornu.Input((4,))
    >>> x = cornu.layers.Dense(8, activation="relu")(inputs)
    >>> model = cornu.Model(inputs, cornu.layers.Dense(2)(x))
    >>> model.output_shape, model.count_params()
    ((None, 2), 58)
    """

    _is_model_ = True
    _accepts_sparse_ = True
    # Attributes that do not affect what the model computes.
    _bookkeeping_ = Layer._bookkeeping_ | {
        "_trainer_",
        "_graph_",
        "_built_inputs_",
        "_preparing_",
        "_layer_graph_",
        "_traced_",
        "call",
        *("train_function", "test_function", "predict_function", "_jax_state"),
    }

    _built_inputs_: Any
    # The graphs of a model that defines `call`, if its inputs contain strings.
    _traced_: TracedCall | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        self._graph_ = None
        self._built_inputs_ = None
        self._preparing_ = False
        # Not in the constructor: a subclass may use these before it calls `super().__init__()`.
        self._trainer_ = Trainer(self)
        return self

    def __init__(
        self,
        inputs: PyTree = None,
        outputs: PyTree = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if name is None and type(self) is Model and inputs is not None:
            # The class of such models in Keras is `Functional`, and names derive from the class.
            name = auto_name("functional")
        Layer.__init__(self, name=name, trainable=trainable, dtype=dtype, **kwargs)
        if (inputs is None) != (outputs is None):
            missing = "outputs" if outputs is None else "inputs"
            raise ValueError(f"Model(inputs, outputs) requires both; {missing} is missing.")
        if inputs is not None:
            self._set_graph_(functional_graph(inputs, outputs, f"Model {self.name!r}"))

    def _overrides_(self, name: str) -> bool:
        """Whether the class of the model overrides a method of `Model`."""
        return getattr(type(self), name) is not getattr(Model, name)

    def _set_graph_(self, graph: FunctionalGraph) -> None:
        self._graph_ = graph
        self.built = True

    if TYPE_CHECKING:
        # Subclasses define `call` with parameters of their own.
        def call(self, *args: Any, **kwargs: Any) -> Any: ...
    else:

        def call(self, inputs: PyTree, training: bool | None = None, mask: PyTree = None) -> Any:
            """Computes the outputs; a subclass without a functional graph defines it."""
            if self._graph_ is None:
                raise NotImplementedError(
                    f"{type(self).__name__} defines neither `call` nor inputs and outputs."
                )
            return self._graph_.run(inputs, mask)

    def compute_mask(self, inputs: PyTree, previous_mask: Any = None) -> Any:
        """Returns the masks of the outputs in their structure; None if the model defines `call`.

        Args:
            inputs: the inputs, of which the layers compute their masks.
            previous_mask: has no effect: inputs carry their masks.
        """
        graph = self._graph_ if self._traced_ is None else self._traced_.graph
        return None if graph is None else graph.masks(inputs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Tests of types in this order, and others below, take a part of the time of a small model.
        if not (len(args) == 1 and isinstance(args[0], (np.ndarray, jax.Array, Tensor))):
            args, kwargs = to_bcoo((args, kwargs))
        around = scope.current()
        # Only the outermost call is compiled: an inner one is part of the program or eager step
        # around it.
        if around.parent is None and not around.layer_path and self._compiles_(args, kwargs):
            try:
                return self._call_compiled_(args, kwargs)
            except Exception as error:
                new = locate_call_error(self, error, args, kwargs)
                if new is error:
                    raise  # without a frame of the library in the traceback
                with keep_traceback(new):
                    raise new  # noqa: B904 - its cause is set
        if args and self._reads_on_host_(args[0]):
            return self(self._read_inputs_(args[0]), *args[1:], **kwargs)
        return super().__call__(*args, **kwargs)

    def _reads_on_host_(self, inputs: PyTree) -> bool:
        """Whether the inputs of a call are data that a part of the model reads on the host."""
        if self._string_graph_ is not None:
            return not isinstance(inputs, StepInputs) and not is_symbolic(inputs)
        is_unknown = self._graph_ is None and not self.built
        return is_unknown and contains_strings(inputs) and reads_strings(self)

    def _read_inputs_(self, inputs: PyTree) -> Any:
        """Returns what the compiled part of the model takes: the inputs, unless it has strings."""
        if not self._reads_on_host_(inputs):
            return inputs
        reader = self._input_reader_
        assert reader is not None
        try:
            return reader(inputs, "x", (), False)
        except Exception as error:
            raise locate_call_error(self, error, (inputs,), {})  # noqa: B904

    @property
    def _string_graph_(self) -> SplitGraph | None:
        """The graph of a model with inputs of strings, also if the model defines `call`."""
        if self._traced_ is not None:
            return self._traced_.graph
        graph = self._graph_
        return graph if isinstance(graph, SplitGraph) else None

    def _step_tensors_(self) -> Any:
        """Returns Tensors like the inputs of the compiled part; None if they are unknown."""
        if self._string_graph_ is not None:
            graph = self._string_graph_.device_graph
            return graph.arrange(graph.input_tensors)
        known = self._built_inputs_ is not None
        return input_specs.map_specs(Tensor, self._built_inputs_) if known else None

    @property
    def _input_reader_(self) -> InputReader | None:
        """What converts data to the inputs of steps; None if the model takes no strings."""
        takes = self._string_graph_ is not None or (self._graph_ is None and reads_strings(self))
        return InputReader(self) if takes else None

    @api_boundary
    def build(self, input_shape: Any) -> None:
        """Builds a subclassed model for the shape of a float input, including the batch axis.

        A model with a functional graph is built already. A model whose inputs are not floats is
        built by its first call, or by `fit`.

        Args:
            input_shape: the shape, with None for unknown sizes, such as `(None, 28, 28)`; for
                several inputs, shapes in the structure of the first argument of `call`.

        Example:

        >>> import cornu
        >>> class Classifier(cornu.Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.head = cornu.layers.Dense(3)
        ...
        ...     def call(self, x):
        ...         return self.head(x)
        >>> model = Classifier()
        >>> model.build((None, 4))
        >>> model.count_params()
        15
        """
        if self.built or self._graph_ is not None:
            return
        # An override that calls this method is running: the inference does not call it again.
        self.built = type(self).build is not Model.build
        try:
            self._infer_outputs_(map_shapes(lambda s: Tensor(s, self.compute_dtype), input_shape))
        except BaseException:
            self.built = False
            raise

    def _build_from_shapes_(self, shapes: dict[str, Any]) -> None:
        if type(self).build is Model.build:
            self.built = True  # sublayers are built when they are called
        else:
            super()._build_from_shapes_(shapes)

    def _build_for_(self, inputs: PyTree) -> None:
        """Builds a subclassed model for the shapes and dtypes of some data, or of its specs."""
        self._infer_outputs_for_(inputs)

    def _infer_outputs_for_(self, inputs: PyTree) -> Any:
        """Returns Tensors like the outputs for inputs like some data, of any number of rows."""
        try:
            return self._infer_outputs_(tree.map(input_specs.spec_of, inputs))
        except Exception as error:
            # The call may compare sizes, as those of graphs that consist of nodes and edges.
            try:
                outputs = self._infer_outputs_(tree.map(input_specs.spec_of_same_shape, inputs))
            except Exception:
                raise error from None
            return tree.map(input_specs.of_any_rows, outputs)

    @property
    def _is_ready_(self) -> bool:
        """Whether the model is built, and no thread builds its layers at the moment."""
        return self.built and not self._preparing_

    def _ensure_built_(self, inputs: PyTree) -> None:
        """Builds the model for some data, unless it is built; waits for a thread that builds it."""
        if not self._is_ready_:
            with sharing.build_lock:
                if not self.built:
                    self._build_for_(inputs)

    def _infer_outputs_(self, inputs: PyTree) -> Any:
        """Returns the Tensors that a call on Tensors returns; builds the model if necessary."""
        if self._graph_ is not None:
            return self._graph_.outputs
        if self._traced_ is not None:
            return self._traced_.graph.outputs
        check_attributes(self, self._label_())
        with sharing.build_lock:
            self._preparing_ = True
            try:
                self._built_inputs_ = tree.map(lambda t: [t.shape, t.dtype], inputs)
                if not self.built:
                    self._build_from_shapes_({"inputs": tree.map(lambda t: t.shape, inputs)})
                if any(t is not None and t.dtype == "string" for t in tree.leaves(inputs)):
                    # From now on, calls of the model run the compiled parts of these graphs.
                    self._traced_ = TracedCall(self, inputs)
                    self.call = self._traced_  # type: ignore[method-assign]
                    return self._traced_.graph.outputs
                run = lambda x: self._run_((x,), {"training": False})  # noqa: E731
                outputs = infer_outputs(run, (inputs,), {})
            finally:
                self._preparing_ = False
        if not tree.leaves(outputs):
            raise TypeError(
                f"{type(self).__name__}.call must return arrays; it returned {outputs!r}.\n"
                "Check that it has a `return` statement."
            )
        return outputs

    def _infer_call_(self, args: Any, kwargs: Any) -> tuple[PyTree, list[Tensor | None]]:
        """Returns new Tensors like the outputs, and like the masks that inner layers attach."""
        # For inputs with the same shapes and dtypes, the outputs of the functional graph have the
        # result already; tracing a nested model again takes seconds in deep models.
        if self._is_purely_functional_ and len(args) == 1 and set(kwargs) <= {"training"}:
            graph = self._require_graph_("outputs")
            if graph.specs_match(graph.match(args[0])):
                return tree.map(lambda t: Tensor(*input_specs.spec(t)), graph.outputs), []
        if self._graph_ is None and any(
            isinstance(x, Tensor) and x.dtype == "string" for x in tree.leaves(args)
        ):
            outputs = self._infer_outputs_(args[0])
            return tree.map(lambda t: Tensor(*input_specs.spec(t)), outputs), []
        outputs, masks = super()._infer_call_(args, kwargs)
        return (outputs if self._graph_ is None else self._graph_.to_tensors(outputs)), masks

    def _compute_symbolic_mask_(self, inputs: PyTree, masks: PyTree) -> PyTree:
        graph = self._string_graph_
        if graph is None:
            return super()._compute_symbolic_mask_(inputs, masks)
        return graph.record_masks(MaskOp(self.compute_mask), inputs, masks)

    def _structural_attributes_(self) -> dict[str, Any]:
        """Returns everything, apart from the class, that determines what the model computes."""
        parts = super()._structural_attributes_()
        if self._graph_ is not None:
            parts["_graph_"] = self._graph_._structural_attributes_()
        return parts

    # ---------------------------------------------------------------------------------- structure

    def _sublayers_(self) -> list[Layer]:
        """Returns the layers that this model owns directly."""
        functional = self._graph_.layers if self._graph_ is not None else []
        own = super()._sublayers_()
        known = {id(layer) for layer in functional}
        return [*functional, *(layer for layer in own if id(layer) not in known)]

    @property
    def _is_functional_(self) -> bool:  # type: ignore[override]
        """Whether Keras counts the model among its Functional models."""
        return self._graph_ is not None

    def _storage_class_name_(self) -> str:
        """Returns the class name by which files refer to the model in a list or dict."""
        functional = self._public_name_()[1] == "Functional"
        return "Functional" if functional else super()._storage_class_name_()

    def _saved_attributes_(self) -> list[tuple[str, Any]]:
        """Returns `layers` and the attributes in the order in which Keras saves them."""
        parts = dict(super()._saved_attributes_())
        if self._trainer_.optimizer is not None:
            parts["optimizer"] = self._trainer_.optimizer
        parts["layers"] = self.layers
        # Keras saves `layers` first in Functional and Sequential models.
        first = self._saves_layers_first_()
        return sorted(
            parts.items(), key=lambda p: (p[0] != "layers" or not first, p[0][0] == "_", p[0])
        )

    def _saves_layers_first_(self) -> bool:
        return self._is_functional_

    @property
    def layers(self) -> list[Layer]:
        """The model's layers in a new list; see `cornu.models.edit` for changing a model."""
        return list(self._sublayers_())

    @overridable_property
    def operations(self) -> list[Any]:
        """The layers and ops of a functional model, in the order of Keras.

        Raises:
            AttributeError: the model has no functional graph.
        """
        if self._graph_ is None:
            raise AttributeError(
                f"{type(self).__name__} object has no attribute 'operations': only functional "
                "models have them."
            )
        return list(self._graph_.operations)

    @api_boundary
    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns a layer by name, by index, or by its path through blocks and nested models.

        Args:
            name: the name of a layer of this model, or a path such as `"encoder/head"` to a layer
                in its blocks and nested models.
            index: the position of the layer in `layers`, instead of the name.

        Raises:
            ValueError: there is no such layer.

        Example:

        >>> import cornu
        >>> encoder = cornu.Sequential(
        ...     [cornu.Input((4,)), cornu.layers.Dense(2, name="code")], name="enc"
        ... )
        >>> model = cornu.Sequential([encoder, cornu.layers.Dense(1, name="head")])
        >>> model.get_layer("enc/code").units, model.get_layer(index=-1).name
        (2, 'head')
        """
        if (name is None) == (index is None):
            raise ValueError("Pass either the name of a layer or its index.")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Model {self.name!r} has {quantity(len(layers), 'layer')}; index {index} "
                    "does not exist."
                )
            return layers[index]
        if name is not None and "/" in name:
            found: Layer = inspect.find_one(self, name, kinds=("layer", "model", "input")).op
            return found
        names = self._graph_.layer_names if self._graph_ is not None else {}
        by_name = {names.get(id(layer), layer.name): layer for layer in layers}
        if name in by_name:
            return by_name[name]
        nested = [i.path for i in inspect.outline(self).walk() if i.name == name and i.op]
        if nested:
            hint = f"It contains {nested[0]!r}."
        else:
            hint = suggest(name, by_name)
            if self._graph_ is not None:
                hint += (
                    "\nA functional model only contains layers on a path from its inputs to its "
                    "outputs."
                )
        raise ValueError(f"Model {self.name!r} has no layer {name!r}. {hint}")

    @property
    def _is_callable_(self) -> bool:
        """Whether the model can be called: a model with a custom `train_step` needs no `call`."""
        return self._graph_ is not None or type(self).call is not Model.call

    @property
    def _is_purely_functional_(self) -> bool:
        """Whether calling the model computes its functional graph and nothing else."""
        return (
            self._graph_ is not None
            and type(self).call is Model.call
            and self.activity_regularizer is None
        )

    @property
    def _rowwise_(self) -> bool | None:  # type: ignore[override]  # an attribute of other layers
        """Whether rows are independent, and their number may be any, in a call of the model."""
        graph = self._graph_
        if graph is None or not self._is_purely_functional_:
            return None
        return graph.rowwise() and all(t.shape[0] is None for t in graph.input_tensors)

    def _model_classes_(self) -> tuple[type, type]:
        return Model, Recorder

    def _rename_layers_(self, names: dict[int, str]) -> None:
        """Renames layers, by the `id` of the layer, in this model only."""
        self._require_graph_("layers").rename(names)

    def _require_graph_(self, what: str) -> FunctionalGraph:
        graph: FunctionalGraph | None = self._graph_
        if graph is None:
            raise AttributeError(
                f"Model {self.name!r} has no {what}: it was not created with Model(inputs, "
                "outputs)."
                "\nWrap it in a functional model: x = Input(shape); "
                f"outer = Model(x, model(x)). This happened {user_location()}."
            )
        return graph

    @overridable_property
    def functional_graph(self) -> FunctionalGraph | None:
        """The graph of a Functional model; None for a model that defines `call`."""
        graph: FunctionalGraph | None = self._graph_
        return graph

    @overridable_property
    def inputs(self) -> list[Tensor]:
        """The model's input Tensors."""
        return list(self._require_graph_("inputs").input_tensors)

    @overridable_property
    def outputs(self) -> list[Tensor]:
        """The model's output Tensors."""
        return list(self._require_graph_("outputs").output_tensors)

    @property
    def input(self) -> Any:
        """The model's inputs in their structure."""
        return self._require_graph_("input").inputs

    @property
    def output(self) -> Any:
        """The model's outputs in their structure."""
        return self._require_graph_("output").outputs

    @overridable_property
    def input_names(self) -> list[str]:
        """The names of the inputs, by which data can be passed in a dict."""
        return list(self._require_graph_("input_names").input_names)

    @overridable_property
    def output_names(self) -> list[str]:
        """The names of the outputs, by which targets, losses and metrics can be passed."""
        return list(self._require_graph_("output_names").output_names)

    @overridable_property
    def input_shape(self) -> Any:
        """The shape of the input, or the shapes of several in their structure."""
        return input_specs.shapes(self.input)

    @overridable_property
    def output_shape(self) -> Any:
        """The shape of the output, or the shapes of several in their structure."""
        return input_specs.shapes(self.output)

    # -------------------------------------------------------------------------------- compiled call

    def _compiles_(self, args: Any, kwargs: Any) -> bool:
        """Whether a call runs the compiled forward function: a call on concrete arrays does."""
        if self._trainer_.run_eagerly or len(args) != 1 or (kwargs and set(kwargs) != {"training"}):
            return False
        current, inputs = scope.current(), args[0]
        if current.interceptor is not None:
            return False  # an interceptor needs concrete outputs of layers, not tracers
        if isinstance(inputs, (np.ndarray, jax.Array)):  # without the time of a traversal
            return _is_direct_input(inputs, current)
        return all(_is_direct_input(x, current) for x in tree.leaves(inputs))

    def _call_compiled_(self, args: Any, kwargs: Any) -> Any:
        self._ensure_built_(args[0])
        outputs, self._last_losses_ = self._trainer_.programs.forward(
            to_rows(args[0]), kwargs.get("training")
        )
        return outputs

    # -------------------------------------------------------------------------------- quantization

    @api_boundary
    def quantize(  # type: ignore[override]
        self,
        mode: str | None = None,
        config: Any = None,
        filters: str | Sequence[str] | Callable[[Any], bool] | None = None,
        **kwargs: Any,
    ) -> None:
        """Replaces the weights of Dense, EinsumDense and Embedding layers by quantized ones.

        Args:
            mode: `"int8"`, `"int4"`, `"float8"`, `"gptq"` or `"awq"`; that of the config by
                default.
            config: a config of `cornu.quantizers`; by default that of the mode.
            filters: which layers: a regular expression, or several, that the name contains, or a
                function of the layer. All by default.
            **kwargs: `type_check=False` includes layers of classes of the program.

        Raises:
            ValueError: the model is not built, or a layer is quantized already.
        """
        type_check = kwargs.pop("type_check", True)
        if kwargs:
            raise ValueError(f"quantize() has no arguments {', '.join(map(repr, kwargs))}.")
        find_conversion().quantize_model(self, mode, config, filters, type_check)

    def get_quantization_layer_structure(self, mode: str | None = None) -> Any:
        """Returns which layers the modes `"gptq"` and `"awq"` quantize; a subclass may define it.

        Args:
            mode: the quantization mode.

        Returns:
            A dict of `"pre_block_layers"`, the layers that the inputs pass first, and
            `"sequential_blocks"`, the layers that follow one another, whose Dense and EinsumDense
            layers are quantized. By default None.
        """
        return None

    # ------------------------------------------------------------------------------------ as data

    def _public_name_(self) -> tuple[str, str]:
        """Returns the module and class name that identify this model in saved configs."""
        if type(self) is Model:
            return "keras.src.models.functional", "Functional"
        module, name = super()._public_name_()
        return "keras" if module == "keras.layers" else module, name

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration: for a Functional model, its layers and their calls."""
        if self._graph_ is None or type(self) is not Model:
            return super().get_config()
        return {"name": self.name, "trainable": self.trainable, **graph_config(self._graph_)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates a model from what `get_config()` returned, with new weights.

        Args:
            config: the config.
            custom_objects: classes and functions of the program by name, for those that are not
                registered (`cornu.saving.register_keras_serializable`).
        """
        with registry.custom_object_scope(custom_objects):
            if "input_layers" not in config:
                return super().from_config(config)
            inputs, outputs = build_from_graph_config(config)
            trainable = config.get("trainable", True)
            return cls(inputs, outputs, name=config.get("name"), trainable=trainable)

    def _library_arguments_(self, library: type[registry.ArgumentCapture]) -> dict[str, Any]:
        """Returns no arguments: inputs and outputs are those of the graph that a class builds."""
        return {}

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the input shapes of a built model without functional graph, or None."""
        if self._graph_ is not None:
            return None
        if self._built_inputs_ is None:  # `build` of the class was called, or nothing
            return super().get_build_config()
        return {
            "inputs": self._built_inputs_,
            "input_shape": input_specs.map_specs(lambda shape, _: shape, self._built_inputs_),
        }

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the model from what `get_build_config()` returned, in this library or in Keras.

        Args:
            config: a dict with the shapes and dtypes of the inputs (`"inputs"`) or with
                `"input_shape"`; None or an empty dict changes nothing.
        """
        if not config:
            return  # the graph of the model needs no shapes
        if "inputs" in config:
            self._infer_outputs_(input_specs.map_specs(Tensor, config["inputs"]))
        elif "input_shape" in config or type(self).build is not Model.build:
            # Other models are built by their first call, whatever shapes Keras has stored.
            configs.build(self, config)

    def _state_config_(self) -> dict[str, Any]:
        """Returns the shapes with which the model was built, and the arguments of `compile`."""
        config = super()._state_config_()
        if self._trainer_.config is not None:
            try:
                config["compile_config"] = self.get_compile_config()
            except NotImplementedError as error:
                warnings.warn(
                    f"The model is saved as if not compiled. {error}", stacklevel=user_stacklevel()
                )
        return config

    def _restore_state_(self, config: dict[str, Any]) -> None:
        """Builds and compiles the model as it was."""
        super()._restore_state_(config)
        if config.get("compile_config"):
            self.compile_from_config(config["compile_config"])

    def _live_state_(self) -> dict[str, Any]:
        return {"trainer": describe_trainer(self._trainer_)}

    def _set_live_state_(self, state: dict[str, Any]) -> None:
        restore_trainer(self._trainer_, state["trainer"])

    def __repr__(self) -> str:
        graph = self._graph_
        parts = [f"name={printable(self.name)}"]
        if graph is not None:
            shapes = (
                input_specs.format_shapes(tensors) for tensors in (graph.inputs, graph.outputs)
            )
            parts.append(" -> ".join(shapes))
        parts.append(quantity(self.count_params(), "parameter") if self.built else "not built")
        return f"<{type(self).__name__} {', '.join(parts)}>"


class Recorder(Recording, Model):
    """A model that returns outputs of layers of another model; see `Model.outputs_of`."""


def _is_direct_input(x: DataLike, current: scope.Scope) -> bool:
    """Whether the compiled forward function takes a value as it is."""
    if isinstance(x, np.ndarray):
        return is_direct(x)
    if isinstance(x, jax.Array):
        return not isinstance(x, jax.core.Tracer) and current.masks.get(x) is None
    return is_sparse(x) and not isinstance(stored_values(x), jax.core.Tracer)


registry.add_class("layers", Model, "Functional")
