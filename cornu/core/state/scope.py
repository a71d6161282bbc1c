"""Scope, the only implicit state, and `pure`, which converts stateful functions to pure ones.

Layers read and assign Variables, use random numbers and add losses as mutable state. A Scope
records these effects, so that `pure(fn, variables)` is an ordinary JAX function from values to new
values.
"""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax

from cornu.core.state.mask_table import MaskTable
from cornu.core.tracebacks.api_boundary import annotate_error
from cornu.core.tracebacks.user_frames import user_location
from cornu.process.interrupts import deferred_signals

if TYPE_CHECKING:
    from cornu.core.state.placement import Placement
    from cornu.core.state.variable import Variable

__all__ = [
    "CaptureError",
    "RandomSource",
    "RowWindow",
    "Scope",
    "announce_work",
    "current",
    "functionalize",
    "pure",
    "value_and_grad",
]


WorkUnit = Literal["traced operations", "numbers in memory"]
CallInterceptor = Callable[[Any, Any, Callable[..., Any], Any, Any], Any]


class RandomSource:
    """Base class of random number sources, such as `SeedGenerator`.

    Attributes:
        seed: the seed.
        explicit: whether the user chose the seed.
    """

    seed: int
    explicit: bool


class NameScope(NamedTuple):
    """A name in the paths of Variables; see `name_scope`.

    Attributes:
        depth: the number of layers whose call was running when the scope was entered.
        name: the name.
        override_parent: a path that replaces the names before it.
        caller: the object that entered the scope.
    """

    depth: int
    name: str
    override_parent: str | None
    caller: Any


class RowWindow(NamedTuple):
    """Consecutive rows of a batch: all that a part of a computation has.

    Random numbers for these rows are those that a computation of the whole batch has for them.

    Attributes:
        start: the number of the first one; an array.
        size: their number.
        total: the number of rows of the batch.
    """

    start: Any
    size: int
    total: int


class CaptureError(RuntimeError):
    """Raised if a shared function uses a Variable or random source that is not an argument."""


class Scope:
    """The current state: values of Variables, random key, training phase, losses, masks.

    Attributes:
        values: the array (or tracer) of each Variable that is an argument of the pure function,
            or was assigned in this scope, by `id`.
        written: the Variables assigned in this scope, by `id`.
        key: the random key of this step; None if the function was given none.
        seed_indices: the index of each random source in its model, by `id`.
        draw_counts: how many keys each random source has returned in this step, by `id`.
        training: the training phase of layers; None if no layer or step has set it.
        compute_dtype: the dtype that float Variables are cast to when read in a layer's call.
        layer_path: names of the layers whose call is running, outermost first.
        name_scopes: the names that `name_scope` adds to the paths of Variables.
        call_context: keyword arguments that layers pass on to the layers that they call, by name.
        losses: scalars added by `add_loss` and activity regularizers.
        masks: the masks of arrays.
        kept: arrays that a graph keeps for losses and metrics, by the `id` of their Tensor.
        row_mask: which rows of the batch are data, not padding (1.0 or 0.0); None if all are.
        row_window: which rows of the batch the arrays have; None if they have all of them.
        strict: whether reading a Variable that is not in `values` is an error.
        opaque: whether Variables of outer scopes cannot be accessed, because the traced function
            is shared by several blocks.
        shared_functions: the functions of equal blocks in this trace, by structural key; None
            where a function cannot be shared.
        inferring_shapes: whether shapes are being inferred; computed values are then discarded.
        allocation_check: called with path and size in bytes before a Variable is created; raises
            if it is too large.
        defers_values: whether the initial values of large Variables are computed only when they
            are read. A file may describe a layer of any size, and usually holds its values.
        work_check: called before an op traces many operations, or computes a large table, with
            "traced operations" or "numbers in memory" and their number; raises if it is too large.
        interceptor: called instead of each layer's `call` and of each node of a graph, as
            `interceptor(op, node, call, args, kwargs)` (`node` is None for a layer's own call).
            It returns the result of `call(*args, **kwargs)`, or a replacement; see
            `intercept_calls`.
        placement: how values are laid out on several devices; None for that of the process.
        regathers: whether a layer around the current call gathers its weights again in the backward
            pass; see `cornu.core.layer.gathered_weights`.
        recomputes: whether the backward pass computes the whole current call again, with all that
            it gathers.
    """

    # Dicts are keyed by `id`, since `==` of Variables compares their values.
    __slots__ = (
        "allocation_check",
        "compute_dtype",
        "defers_values",
        "inferring_shapes",
        "draw_counts",
        "opaque",
        "kept",
        "key",
        "layer_path",
        "name_scopes",
        "call_context",
        "losses",
        "masks",
        "parent",
        "placement",
        "recomputes",
        "regathers",
        "row_mask",
        "row_window",
        "strict",
        "shared_functions",
        "seed_indices",
        "training",
        "values",
        "interceptor",
        "work_check",
        "written",
    )

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.values: dict[int, Any] = {}
        self.written: dict[int, Variable] = {}
        self.losses: list[Any] = []
        self.masks = MaskTable()
        self.kept: dict[int, Any] = {}
        self.strict = False
        self.opaque = False
        self.shared_functions: dict[Any, Any] = {}
        self.inferring_shapes = False
        self.key: Any = None
        self.draw_counts: dict[int, int] = {}
        self.seed_indices: dict[int, int] = {}
        self.training: bool | None = None
        self.compute_dtype: str | None = None
        self.layer_path: tuple[str, ...] = ()
        self.name_scopes: tuple[NameScope, ...] = ()
        self.call_context: dict[str, Any] = {}
        self.row_mask: Any = None
        self.row_window: RowWindow | None = None
        self.allocation_check: Callable[[str, int], None] | None = None
        self.defers_values = False
        self.work_check: Callable[[WorkUnit, float], None] | None = None
        self.interceptor: CallInterceptor | None = None
        self.placement: Placement | None = None
        self.regathers = False
        self.recomputes = False
        if parent is not None:
            self.allocation_check = parent.allocation_check
            self.defers_values = parent.defers_values
            self.work_check = parent.work_check
            self.interceptor = parent.interceptor
            self.placement = parent.placement
            self.regathers = parent.regathers
            self.recomputes = parent.recomputes
            self.inferring_shapes = parent.inferring_shapes
            self.key = parent.key
            # The same dict: a source must not return the same key twice in a step.
            self.draw_counts = parent.draw_counts
            self.seed_indices = parent.seed_indices
            self.training = parent.training
            self.compute_dtype = parent.compute_dtype
            self.layer_path = parent.layer_path
            self.name_scopes = parent.name_scopes
            self.call_context = parent.call_context
            self.row_mask = parent.row_mask
            self.row_window = parent.row_window
            self.masks = parent.masks
            self.kept = parent.kept
            self.shared_functions = parent.shared_functions

    def read(self, variable: Variable) -> Any:
        """Returns the current value of a Variable."""
        scope: Scope | None = self
        strict = False
        key = id(variable)
        while scope is not None:
            if key in scope.values:
                return scope.values[key]
            if scope.opaque:
                raise CaptureError(variable.path)
            strict = strict or scope.strict
            scope = scope.parent
        if strict:
            raise RuntimeError(
                f"Variable {variable.path!r} is read inside a compiled step, but it is not one of "
                "the step's Variables: its value would become a constant of the program.\n"
                "Make it an attribute of a layer, the model, a metric or the optimizer, so that "
                "it is found before the step is compiled."
            )
        return variable.stored

    def holder_of(self, thing: object) -> Scope | None:
        """Returns the innermost scope that has a value for an object, or None."""
        key = id(thing)
        return next((scope for scope in self._outward() if key in scope.values), None)

    def write(self, variable: Variable, value: Any) -> None:
        """Assigns a value to a Variable in this scope."""
        if self.parent is None:
            if isinstance(value, jax.core.Tracer):
                raise RuntimeError(
                    f"Variable {variable.path!r} is assigned inside a function that JAX traces: "
                    "the traced value would leak.\n"
                    "Use cornu.value_and_grad(fn, variables), or cornu.pure(fn, variables) before "
                    "jax.jit or jax.grad; or call the layer with training=False.\n"
                    f"This happened {user_location()}."
                )
            variable._store_(value)
            return
        key = id(variable)
        if not self.inferring_shapes and not self.can_access(variable):
            if self._is_opaque():
                raise CaptureError(variable.path)
            raise RuntimeError(
                f"Variable {variable.path!r} is assigned inside a compiled step, but it is not one "
                "of the step's Variables: the value would be lost.\n"
                "Make it an attribute of a layer, the model, a metric or the optimizer."
            )
        self.values[key] = value
        self.written[key] = variable

    def next_key(self, source: object, path: str, seed: int | None) -> Any:
        """Returns the next random key of a source.

        It depends on the step, on the index of the source in its model (or, outside of a model,
        on the path of layer names) and on how many keys the source has returned in this step.
        """
        if self.inferring_shapes:
            return jax.random.key(0)
        # Shape inference returns before this: it must not change the numbers of a step.
        count = self.draw_counts.get(id(source), 0)
        self.draw_counts[id(source)] = count + 1
        if self.key is None:
            raise RuntimeError(
                f"{path!r} generates random numbers inside a compiled function that was given no "
                "random key. Pass a key to the function that `cornu.pure` returned."
            )
        index = self.seed_indices.get(id(source))
        if index is None and self._is_opaque():
            raise CaptureError(path)
        # Not `hash`, which differs between processes.
        key = jax.random.fold_in(self.key, zlib.crc32(path.encode()) if index is None else index)
        if seed is not None:
            # `fold_in` takes 32 bits; the seeds of users may be longer, or negative.
            key = jax.random.fold_in(key, seed & 0xFFFFFFFF)
        return jax.random.fold_in(key, count) if count else key

    def path_of(self, name: str) -> str:
        """Returns the path of a Variable that is created now: names of scopes, layers and its own.

        Args:
            name: the name of the Variable.
        """
        if not self.name_scopes:
            return "/".join((*self.layer_path, name))
        parts: list[str] = []
        layers = 0
        for entry in self.name_scopes:
            parts += self.layer_path[layers : entry.depth]
            layers = entry.depth
            if entry.override_parent is not None:
                parts = [part for part in entry.override_parent.split("/") if part]
            parts.append(entry.name)
        return "/".join((*parts, *self.layer_path[layers:], name))

    def can_access(self, variable: Variable) -> bool:
        """Tells whether a Variable can be read and assigned in this scope."""
        for scope in self._outward():
            if id(variable) in scope.values:
                return True
            if scope.opaque or scope.strict:
                return False
        return True

    def _outward(self) -> Iterator[Scope]:
        """Yields this scope and the scopes around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def _is_opaque(self) -> bool:
        return any(scope.opaque for scope in self._outward())

    @property
    def uses_step_key(self) -> bool:
        """Whether random numbers are derived from the key of the current step."""
        return self.key is not None or self.inferring_shapes or self.in_pure_function

    @property
    def in_pure_function(self) -> bool:
        """Whether the scope is inside a function made by `pure`."""
        return any(scope.strict for scope in self._outward())


class _Stack(threading.local):
    top: Scope

    def __init__(self) -> None:
        self.top = Scope()


_stack = _Stack()


def current() -> Scope:
    """Returns the scope of this thread."""
    return _stack.top


def announce_work(unit: WorkUnit, amount: float) -> None:
    """Asks the current scope whether an op may do an amount of work when it is traced.

    Ops call it whose work grows with a size of their inputs, before they begin: a file may describe
    inputs of any size.
    """
    check = _stack.top.work_check
    if check is not None:
        check(unit, amount)


@contextlib.contextmanager
def use_scope(scope: Scope) -> Iterator[Scope]:
    """Sets the current scope of this thread in a `with` block."""
    before = _stack.top
    _stack.top = scope
    try:
        yield scope
    finally:
        _stack.top = before


@contextlib.contextmanager
def abstract_scope() -> Iterator[Scope]:
    """Enters a scope for shape inference: assignments are discarded, random keys are constant."""
    scope = Scope(_stack.top)
    scope.inferring_shapes = True
    scope.masks = MaskTable()
    scope.kept = {}
    with use_scope(scope):
        yield scope


@contextlib.contextmanager
def intercept_calls(interceptor: CallInterceptor) -> Iterator[None]:
    """Calls a function instead of each layer and node in a `with` block; see `Scope.interceptor`.

    In nested blocks, the outer interceptor receives the results of the inner one.
    """
    around = _stack.top
    before = around.interceptor

    def chained(op: Any, node: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        def inner(*args: Any, **kwargs: Any) -> Any:
            return interceptor(op, node, call, args, kwargs)

        return inner(*args, **kwargs) if before is None else before(op, node, inner, args, kwargs)

    around.interceptor = chained
    try:
        yield
    finally:
        around.interceptor = before


@contextlib.contextmanager
def training_phase(training: bool | None) -> Iterator[None]:
    """Sets the training phase in a `with` block; None leaves it unchanged."""
    scope = _stack.top
    before = scope.training
    if training is not None:
        scope.training = training
    try:
        yield
    finally:
        scope.training = before


def pure(
    fn: Callable[..., Any], variables: Sequence[Variable]
) -> Callable[..., tuple[Any, tuple[Any, ...], list[Any]]]:
    """Returns a pure function `f(values, key, *args) -> (out, new_values, losses)`.

    JAX transformations such as `jax.jit` require pure functions; apply them to the result.

    Args:
        fn: a function that reads and assigns Variables.
        variables: the Variables that `fn` uses. Access to others raises an error.

    Returns:
        A function of `values`, an array for each of `variables`, a random `key` or None, and the
        arguments of `fn`. It returns the result of `fn`, the values of `variables` after the call,
        and a list of the losses added by `add_loss`.

    Example:

    >>> import jax
    >>> from cornu.core.state.variable import Variable
    >>> count = Variable(3.0, name="count")
    >>> def bump(by):
    ...     count.assign_add(by)
    ...     return 10 * count
    >>> out, (after,), losses = jax.jit(pure(bump, [count]))((count.value,), None, 2.0)
    >>> float(out), float(after), float(count.value)
    (50.0, 5.0, 3.0)
    """
    variables = tuple(variables)
    sparse = functionalize(fn, variables)

    def functional(values: Sequence[Any], key: Any, *args: Any, **kwargs: Any) -> Any:
        out, news, losses = sparse(values, key, *args, **kwargs)
        return out, tuple(news.get(i, value) for i, value in enumerate(values)), losses

    return functional


def functionalize(
    fn: Callable[..., Any], variables: Sequence[Variable], sources: Sequence[object] = ()
) -> Callable[..., tuple[Any, dict[int, Any], list[Any]]]:
    """Like `pure`, but the function returns only assigned values, by position in `variables`.

    Args:
        fn: a function that reads and assigns Variables.
        variables: the Variables that `fn` uses.
        sources: the random sources of a model in the order of its structure. With them, random
            numbers do not depend on layer names, whose numbers count up within a process.
    """
    variables = tuple(variables)
    positions = {id(v): i for i, v in enumerate(variables)}
    seed_indices = {id(source): i for i, source in enumerate(sources)}

    def functional(values: Sequence[Any], key: Any, *args: Any, **kwargs: Any) -> Any:
        scope = Scope(_stack.top)
        scope.strict = True
        scope.key = key
        scope.draw_counts = {}
        scope.seed_indices = seed_indices
        scope.masks = MaskTable()
        scope.kept = {}
        scope.shared_functions = {}
        scope.values = {id(v): value for v, value in zip(variables, values, strict=True)}
        with use_scope(scope):
            out = fn(*args, **kwargs)
        news = {positions[key]: scope.values[key] for key in scope.written}
        return out, news, scope.losses

    return functional


@contextlib.contextmanager
def eager_step(key: jax.Array | None, sources: Sequence[object]) -> Iterator[Scope]:
    """Enters a scope for a step that runs eagerly, with the random keys of a compiled step.

    Assigned values are written to the outer scope at the end of the block, and discarded if it
    raises an error.
    """
    around = _stack.top
    inner = Scope(around)
    inner.key = key
    inner.draw_counts = {}
    inner.seed_indices = {id(source): i for i, source in enumerate(sources)}
    inner.masks = MaskTable()
    inner.kept = {}
    with use_scope(inner):
        yield inner
    # An interrupt between two assignments would leave half a step.
    with deferred_signals():
        for identity, variable in inner.written.items():
            around.write(variable, inner.values[identity])


def value_and_grad(
    fn: Callable[..., Any], variables: Sequence[Variable], has_aux: bool = False
) -> Callable[..., tuple[Any, list[Any]]]:
    """Returns a function that computes `fn` and its gradients with respect to Variables.

    It can be called eagerly and inside a training step. Variables that `fn` assigns, such as batch
    statistics and metrics, keep their new values.

    Args:
        fn: a function that returns a scalar, or `(scalar, aux)` if `has_aux` is True.
        variables: the Variables to differentiate with respect to.
        has_aux: whether `fn` returns an auxiliary output, which is not differentiated.

    Returns:
        A function with the arguments of `fn`. It returns `(result, gradients)`: the result of
        `fn`, and a list of gradients in the order of `variables`.

    Example:

    >>> from cornu.core.state.variable import Variable
    >>> w = Variable(3.0, name="w")
    >>> value, (gradient,) = value_and_grad(lambda x: w * w * x, [w])(2.0)
    >>> float(value), float(gradient)
    (18.0, 12.0)
    """
    variables = tuple(variables)

    def run(*args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        outer = _stack.top
        written: list[Variable] = []

        def inner(values: tuple[Any, ...]) -> Any:
            scope = Scope(outer)
            scope.values = {id(v): value for v, value in zip(variables, values, strict=True)}
            scope.kept = {}
            with use_scope(scope):
                out = fn(*args, **kwargs)
            loss, aux = out if has_aux else (out, None)
            # A traced function returns only arrays: the Variables leave it by the closure.
            written[:] = scope.written.values()
            news = [scope.values[id(v)] for v in written]
            return loss, (aux, news, scope.losses, scope.kept)

        values = tuple(outer.read(v) for v in variables)
        differentiate = jax.value_and_grad(inner, has_aux=True)
        try:
            (loss, (aux, news, losses, kept)), grads = differentiate(values)
        except Exception as error:
            if outer.parent is not None:
                raise
            new = annotate_error(error, "value_and_grad(...)() was called")
            if new is error:
                raise  # without a frame of the library in the traceback
            raise new  # noqa: B904 - its cause is set
        for variable, new in zip(written, news, strict=True):
            outer.write(variable, new)
        outer.losses.extend(losses)
        outer.kept.update(kept)
        return ((loss, aux) if has_aux else loss), list(grads)

    return run
