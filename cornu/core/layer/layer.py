"""Layer: owns Variables and other layers, and maps inputs to outputs in `call`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import numpy as np

from cornu import registry
from cornu.core.graph.remat import current_remat_mode
from cornu.core.graph.tensor import Node, Tensor, standardize_shape
from cornu.core.layer.calling import Called
from cornu.core.layer.variable_owner import naming_build
from cornu.core.state import scope
from cornu.core.state.dtypes import get_policy
from cornu.core.tracebacks.user_frames import user_location
from cornu.errors import suggest
from cornu.names import auto_name

__all__ = ["Layer"]

# Stands for the calls with given values, which draw like one source.
_stateless = object()

_INPUT_WORDS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


class Layer(Called):
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

    # Whether each row of the output depends on the same row of the input alone, so that padding
    # rows do no harm. None: not known.
    rowwise: ClassVar[bool | None] = None
    bookkeeping = Called.bookkeeping | {"_input_shape_given"}
    # The graph between inputs and outputs, of a model that was drawn.
    functional_graph: Any = None
    # The order of axes, in layers that have one; like the dtype policy, what held at construction.
    data_format: str | None = None

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
        self._remat = current_remat_mode()
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

    def find_data_problem(self, values: np.ndarray) -> str | None:
        """Says what is wrong with data that is fed straight into the layer, or None."""
        return None

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
                f"{self._label()} has no {what}: it was not called on a symbolic Tensor, or the "
                "model that it was part of is gone.\nCall it on a Tensor first, keep the model. "
                f"This happened {user_location()}."
            )
        if len(nodes) > 1:
            raise AttributeError(
                f"{self._label()} was called {len(nodes)} times, so that {what!r} is ambiguous. "
                f"Keep the Tensor that the call returned. This happened {user_location()}."
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
            key: a JAX random key, for layers that draw random numbers; not needed within a
                training step, which has one.
            **kwargs: further arguments of `call`.

        Returns:
            `(outputs, new non_trainable_variables)`, and the losses if asked for.
        """
        if not self.built:
            raise ValueError(f"{self._label()} must be built before `stateless_call`.")
        trained, rest = self.trainable_variables, self.non_trainable_variables
        counted = self.metrics_variables  # what a call adds to metrics is dropped
        for what, given, own in (
            ("trainable_variables", trainable_variables, trained),
            ("non_trainable_variables", non_trainable_variables, rest),
        ):
            if len(given) != len(own):
                raise ValueError(
                    f"{self._label()} has {len(own)} {what}; received {len(given)} values.\n"
                    f"Pass one for each: [v.value for v in layer.{what}]."
                )
        values = (*trainable_variables, *non_trainable_variables, *(v.stored for v in counted))
        around = scope.current()
        if key is None and around.key is not None:
            key = around.next_key(_stateless, "stateless_call", None)
        lifted = scope.pure(lambda *a, **k: (self(*a, **k), self.losses), trained + rest + counted)
        (outputs, losses), new, _ = lifted(values, key, *args, **kwargs)
        after = list(new[len(trained) : len(trained) + len(rest)])
        return (outputs, after, losses) if return_losses else (outputs, after)

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


def map_shapes(fn: Callable[[Any], Any], shapes: Any) -> Any:
    """Applies a function to each shape in nested lists and dicts of shapes."""
    if isinstance(shapes, dict):
        return {name: map_shapes(fn, shape) for name, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shapes):
        return [map_shapes(fn, shape) for shape in shapes]
    return fn(tuple(shapes))
