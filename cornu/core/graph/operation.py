"""Operation: a named computation whose calls on symbolic Tensors become nodes of a graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar, Self

import jax

from cornu import tree
from cornu.core.graph.inference import infer_outputs, locate_op_error
from cornu.core.graph.op import is_symbolic, unwrap
from cornu.core.graph.remat import RematMode, current_remat_mode, remat
from cornu.core.graph.tensor import Node
from cornu.core.state import scope
from cornu.core.state.overridable import overridable_property
from cornu.core.tracebacks.user_frames import user_location
from cornu.names import auto_name, check_name, printable
from cornu.registry import Configurable
from cornu.types import Config, PyTree

__all__ = ["Operation"]


class Operation(Configurable):
    """The base class of layers and of other computations that are nodes of a graph.

    A subclass defines `call` with the functions of `cornu.ops` or of JAX. It owns no Variables; a
    computation with weights is a `Layer`.

    Args:
        name: the name in graphs and error messages; by default derived from the class.

    Example:

    >>> import cornu
    >>> class Shift(cornu.Operation):
    ...     def __init__(self, by, name=None):
    ...         super().__init__(name=name)
    ...         self.by = by
    ...
    ...     def call(self, x):
    ...         return x + self.by
    >>> x = cornu.Input((3,))
    >>> cornu.Model(x, Shift(2.0)(x)).output_shape
    (None, 3)

    Extensions: `cornu.op` makes the same of a function. The constructor's arguments are captured,
    so that `get_config` need not be defined.
    """

    _category_ = "operations"

    # How the operation computes after quantization; None before.
    quantization_mode: ClassVar[Any] = None

    _nodes_: list[weakref.ref[Node]]
    _remat_: RematMode | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        self._nodes_ = []
        self._remat_ = current_remat_mode()
        return self

    def __init__(self, name: str | None = None) -> None:
        self._set_name_(name)

    def _set_name_(self, name: str | None) -> None:
        if name is not None:
            check_name(f"{type(self).__name__}: the name", name, forbidden="/")
        self.name = name or auto_name(type(self).__name__)

    @overridable_property
    def name(self) -> str:
        """The name in graphs and error messages."""
        # Only for a subclass that does not call `super().__init__()`, which sets the attribute.
        self.name = name = auto_name(type(self).__name__)
        return name

    # ------------------------------------------------------------------------------------- calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if is_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        try:
            return self._run_(unwrap(args), unwrap(kwargs))
        except Exception as error:
            raise locate_op_error(self, error, args, kwargs)  # noqa: B904

    def symbolic_call(self, *args: Any, **kwargs: Any) -> PyTree:
        """Records a call on symbolic Tensors as a node of the graph, and returns its outputs.

        `__call__` calls it if an argument is a symbolic Tensor.

        Args:
            *args, **kwargs: the arguments of the call.
        """
        return self._record_(args, kwargs, self.compute_output_spec(*args, **kwargs)).outputs

    def call(self, *args: Any, **kwargs: Any) -> PyTree:
        """Computes the outputs from arrays. A subclass defines it.

        Args:
            *args, **kwargs: the arguments of the operation, with arrays in place of symbolic
                Tensors.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not define `call`.\n"
            "Define `call(self, inputs)`, which returns the outputs."
        )

    def quantized_call(self, *args: Any, **kwargs: Any) -> PyTree:
        """Computes the outputs instead of `call` if `quantization_mode` is not None.

        Args:
            *args, **kwargs: the arguments of `call`.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be quantized.")

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> PyTree:
        """Returns symbolic Tensors with the shapes and dtypes of the outputs.

        By default, they are inferred by tracing `call`.

        Args:
            *args, **kwargs: the arguments of `call`, such as `inputs`, with symbolic Tensors in
                place of arrays.
        """
        try:
            return infer_outputs(self.call, args, kwargs)
        except Exception as error:
            raise locate_op_error(self, error, args, kwargs)  # noqa: B904

    def rematerialized_call(
        self, fn: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """Returns `fn`, or a function that the backward pass recomputes; see `RematScope`.

        It is called with each call of an operation that was created in a `RematScope`; an override
        decides what is recomputed.

        Args:
            fn: the method that computes the outputs.
            *args, **kwargs: the arguments with which it is going to be called.
        """
        # Nothing is differentiated while shapes are inferred.
        if self._remat_ is None or scope.current().inferring_shapes:
            return fn

        def outputs() -> list[Any]:
            with scope.abstract_scope():
                return tree.leaves(jax.eval_shape(lambda: fn(*args, **kwargs)))

        policy = self._remat_.policy(self.name, outputs)
        return fn if policy is False else remat(fn, policy)

    def _run_(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Computes the outputs from arrays."""
        call = self.call if self.quantization_mode is None else self.quantized_call
        if self._remat_ is not None:
            call = self.rematerialized_call(call, *args, **kwargs)
        return call(*args, **kwargs)

    # ------------------------------------------------------------------------------------- nodes

    def _record_(
        self, args: Any, kwargs: Any, outputs: PyTree, looks_up_masks: bool = False
    ) -> Node:
        """Adds a node for a call to the graph."""
        node = Node(self, args, kwargs, outputs, looks_up_masks=looks_up_masks)
        # Weak references: an operation does not keep the graphs alive that it is part of.
        self._nodes_ = [ref for ref in self._nodes_ if ref() is not None] + [weakref.ref(node)]
        return node

    @property
    def input(self) -> PyTree:
        """The Tensor, or structure of Tensors, that the operation was called on.

        Raises:
            AttributeError: it was not called on a Tensor, or called several times.
        """
        args = self._only_node_("input").args
        return args[0] if len(args) == 1 else list(args)

    @property
    def output(self) -> PyTree:
        """The Tensor, or structure of Tensors, that the operation returned.

        Raises:
            AttributeError: it was not called on a Tensor, or called several times.
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

    # ------------------------------------------------------------------------------------ configs

    def get_config(self) -> Config:
        """Returns the arguments of the constructor as plain data."""
        config = super().get_config()
        return {**config, "name": self.name} if "name" in config else config

    def _public_name_(self) -> tuple[str, str]:
        module, name = super()._public_name_()
        return "keras" if module == "keras.operations" else module, name

    def _label_(self) -> str:
        """Returns the class and the name, for error messages."""
        return f"{type(self).__name__} {self.name!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={printable(self.name)}>"
