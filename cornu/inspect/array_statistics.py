"""statistics: the distribution of outputs, weights and gradients, layer by layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.dtypes import is_float
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.find import PartsLike, find, label_call
from cornu.inspect.outline import outline
from cornu.inspect.record_outputs import OutputRecord, record_outputs
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import to_text
from cornu.names import make_unique
from cornu.types import PyTree

__all__ = ["ArrayStatistics", "Statistics", "statistics"]

BINS = 36
_BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, eq=False)
class ArrayStatistics:
    """The distribution of one array.

    Attributes:
        path: the path of the layer, followed by the name of the weight; `path@1` is a second call.
        kind: "output", "weight", "output gradient" or "weight gradient".
        shape: the shape of the array.
        mean, std, min, max: statistics of the finite elements; NaN if there are none.
        zeros: the fraction of elements that are exactly zero.
        nonfinite: the fraction that is NaN or infinite.
        counts: the number of finite elements in each of equal bins between min and max.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    std: float
    min: float
    max: float
    zeros: float
    nonfinite: float
    counts: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        """The edges of the bins; there is one more than bins."""
        return np.linspace(self.min, self.max, len(self.counts) + 1)

    def percentile(self, q: float) -> float:
        """Returns the value below which `q` percent of the elements are, accurate to one bin."""
        total = np.concatenate([[0], np.cumsum(self.counts)])
        return float(np.interp(q / 100 * total[-1], total, self.edges))

    @property
    def bars(self) -> str:
        """The histogram as a line of text."""
        counts = self.counts.reshape(-1, 3).sum(axis=1)
        top = max(counts.max(), 1)
        # Rounded up, so that a bin with few values is visible.
        return "".join(_BARS[int(np.ceil(count / top * (len(_BARS) - 1)))] for count in counts)


class Statistics(Sequence[ArrayStatistics]):
    """The result of `statistics`: one row for each array, in the order of the model.

    It prints as a table; a notebook shows an HTML table.

    Args:
        rows: the statistics of each array.
        title: the title of the table.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.ReLU(name="relu")])
    >>> table = cornu.inspect.statistics(model, np.array([[-1.0], [1.0]]))
    >>> [(row.path, row.mean) for row in table]
    [('relu', 0.5)]
    """

    def __init__(self, rows: Sequence[ArrayStatistics], title: str = "") -> None:
        self.rows = tuple(rows)
        self.title = title

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[ArrayStatistics]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def of(self, kind: str) -> dict[str, ArrayStatistics]:
        """Returns the rows of one kind by path.

        Args:
            kind: `"output"`, `"weight"`, `"output gradient"` or `"weight gradient"`.

        Raises:
            ValueError: unknown kind.
        """
        if kind not in _KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(_KINDS)}. Received: {kind!r}")
        return {row.path: row for row in self.rows if row.kind == kind}

    def table(self) -> DisplayTable:
        """Returns a table with a heading for each layer."""
        layers: dict[str, TableRow] = {}
        for row in self.rows:
            path, name = row.path, row.kind
            if row.kind.startswith("weight"):
                path, _, weight = row.path.rpartition("/")
                name = row.kind.replace("weight", weight)
            empty = [path, *([""] * len(_COLUMNS))]
            around = layers.setdefault(path, TableRow(empty, heading=True))
            numbers = [_format_number(v) for v in (row.mean, row.std, row.min, row.max)]
            shares = [_format_share(row.zeros), _format_share(row.nonfinite)]
            around.children.append(TableRow([name, str(row.shape), *numbers, *shares, row.bars]))
        columns = [TableColumn("Layer"), *_COLUMNS]
        return DisplayTable(self.title, columns, list(layers.values()), [])

    def __str__(self) -> str:
        return to_text(self.table(), max_width=140)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return to_html(self.table())


_KINDS = ("output", "weight", "output gradient", "weight gradient")
_MEASURES = ("Mean", "Std", "Min", "Max", "Zeros", "NaN/Inf")
_COLUMNS = (
    TableColumn("Shape"),
    *(TableColumn(name, True) for name in _MEASURES),
    TableColumn("Histogram"),
)


@api_boundary
def statistics(
    model: Any,
    x: PyTree,
    y: PyTree = None,
    sample_weight: PyTree = None,
    training: bool = False,
    what: PartsLike | None = None,
) -> Statistics:
    """Returns the distribution of outputs and weights and, with `y`, of their gradients.

    The model processes the data as one batch, so the outputs of all layers must fit in memory;
    only the statistics leave the device. The model does not change, nor do its moving averages.
    The program is compiled once, so calls after every epoch are fast.

    Args:
        model: a model; it must be compiled if `y` is given.
        x: the inputs.
        y: the targets. With them, the gradients of the loss by all weights and outputs are added.
        sample_weight: the weights of the rows.
        training: whether layers behave as in training.
        what: the layers to include, as in `cornu.inspect.find`; all by default.

    Raises:
        ValueError: a layer does not exist, or the data does not match the model.
        RuntimeError: `y` is given and the model is not compiled.

    Example:

    >>> import cornu, numpy as np
    >>> model = cornu.Sequential(
    ...     [
    ...         cornu.Input((2,)),
    ...         cornu.layers.Dense(3, kernel_initializer="ones", name="a"),
    ...         cornu.layers.ReLU(name="b"),
    ...     ]
    ... )
    >>> table = cornu.inspect.statistics(model, np.array([[1.0, 2.0], [-3.0, -1.0]]))
    >>> [(row.path, row.kind) for row in table]
    [('a', 'output'), ('a/kernel', 'weight'), ('a/bias', 'weight'), ('b', 'output')]
    >>> table.of("output")["b"].zeros
    0.5

    The outputs of a layer inside a loop, such as a cell of `RNN`, are not included.
    """
    if y is None:
        if not model.built:
            model._build_for_(x)
        batch = (model._read_inputs_(x), None, None)
    else:
        model._trainer_.require_config("statistics with `y`")
        batch = model._trainer_.one_batch(x, y, sample_weight, None, train=False).structure
    trained = tuple(id(v) for v in model.trainable_variables)
    layers = _find_layers(model, what)
    # The trainer drops its programs when the model is compiled again.
    key = ("statistics", training, y is None, trained, tuple(layers))
    program = model._trainer_.programs.cached(
        key, lambda: _StatisticsProgram(model, layers, training)
    )
    found = program(batch)
    title = f"{model.name}: {'in training' if training else 'as in prediction'}"
    return Statistics(
        [_make_row(path, kind, *value) for (path, kind), value in found.items()], title
    )


def _find_layers(model: Layer, what: PartsLike | None) -> dict[str, Layer]:
    """Returns each layer once, by its first path."""
    kinds = ("layer", "model")
    if what is None:
        items = [i for i in outline(model).walk() if i.parent is not None and i.kind in kinds]
    else:
        items = find(model, what, kinds)
    found: dict[int, tuple[str, Layer]] = {}
    for item in items:
        found.setdefault(id(item.op), (item.path, item.op))
    return dict(found.values())


class _StatisticsProgram:
    """The compiled function that computes the statistics of a batch."""

    def __init__(self, model: Any, layers: dict[str, Layer], training: bool) -> None:
        self.model = model
        self.layers = layers
        self.training = training
        self._variables = model._trainer_.touched_variables()
        self._lift: Callable[..., Any] = lambda fn: scope.functionalize(
            fn, self._variables, model._trainer_.random_sources()
        )
        self._call = jax.jit(lambda *args: self._lift(self._arrays)(*args)[0])

    def __call__(self, batch: Any) -> dict[tuple[str, str], Any]:
        batch = jax.tree_util.tree_map(jnp.asarray, batch)
        values = tuple(v.stored for v in self._variables)
        key = self.model._trainer_.key()
        # The gradient by an output is the gradient by a probe of zeros added to it, so the shapes
        # of all outputs have to be known before the program is traced.
        probes = None
        if batch[1] is not None:
            record = self._lift(lambda batch: self._run(batch, None)[1].calls)
            specs = jax.eval_shape(lambda *args: record(*args)[0], values, key, batch)
            probes = [[_zeros(call) for call in calls] for calls in specs]
        # One program for each array shape: in one program with the model, XLA would compile for
        # minutes.
        arrays = self._call(values, key, batch, probes)
        measured = jax.device_get([_summarize(x) for x in arrays.values()])
        shapes = [x.shape for x in arrays.values()]
        return {k: (s, *m) for k, s, m in zip(arrays, shapes, measured, strict=True)}

    def _run(self, batch: PyTree, probes: PyTree) -> tuple[Any, OutputRecord]:
        x, y, weight = batch

        def loss() -> Any:
            predicted = self.model(x, training=self.training)
            if y is None:
                return None
            return self.model._compute_loss_(x, y, predicted, weight, training=self.training)

        return record_outputs(loss, list(self.layers.values()), probes)()

    def _arrays(self, batch: PyTree, probes: PyTree) -> Any:
        trained = {}
        if probes is None:
            _, record = self._run(batch, None)
            calls, gradients = record.calls, None
        else:
            variables = self.model.trainable_variables
            weights, calls, gradients = self._differentiate(variables, batch, probes)
            trained = {id(v): g for v, g in zip(variables, weights, strict=True)}
        found: OrderedDict[tuple[str, str], Any] = OrderedDict()
        seen: set[int] = set()
        for position, (path, layer) in enumerate(self.layers.items()):
            for number, outputs in enumerate(calls[position]):
                leaves = jax.tree_util.tree_leaves(outputs)
                for i, leaf in enumerate(leaves):
                    label = label_call(path, number) + (f"[{i}]" if len(leaves) > 1 else "")
                    found[label, "output"] = leaf
                    if gradients is not None and gradients[position][number][i] is not None:
                        gradient = gradients[position][number][i]
                        found[label, "output gradient"] = gradient
            taken: dict[str, int] = {}
            for variable in layer._own_variables_():
                label = f"{path}/{make_unique(variable.name, taken)}"
                if id(variable) in seen or not is_float(variable.dtype):
                    continue
                seen.add(id(variable))
                found[label, "weight"] = scope.current().read(variable)
                if id(variable) in trained:
                    found[label, "weight gradient"] = trained[id(variable)]
        return found

    def _differentiate(self, variables: list[Variable], batch: PyTree, probes: PyTree) -> Any:
        """Returns the gradients by weights, the outputs of layers, and the gradients by these."""
        outer = scope.current()

        def run(values: PyTree, probes: PyTree) -> Any:
            inner = scope.Scope(outer)
            inner.values = {id(v): value for v, value in zip(variables, values, strict=True)}
            with scope.use_scope(inner):
                loss, record = self._run(batch, probes)
            return loss, record.calls

        values = [outer.read(v) for v in variables]
        gradients, calls = jax.grad(run, argnums=(0, 1), has_aux=True)(values, probes)
        return gradients[0], calls, gradients[1]


def _zeros(outputs: Any) -> list[Any]:
    leaves = jax.tree_util.tree_leaves(outputs)
    return [jnp.zeros(s.shape, s.dtype) if is_float(s.dtype) else None for s in leaves]


@jax.jit
def _summarize(x: Any) -> tuple[Any, Any]:
    """Returns mean, std, min, max, zeros and nonfinite in one array, and the histogram."""
    flat = jnp.ravel(jnp.asarray(x)).astype("float32")
    finite = jnp.isfinite(flat)
    size, count = max(flat.size, 1), finite.sum()
    low = jnp.min(flat, where=finite, initial=jnp.inf)
    high = jnp.max(flat, where=finite, initial=-jnp.inf)
    # Added to the measures, which are NaN if no element is finite.
    none = jnp.where(count > 0, 0.0, jnp.nan)
    mean = jnp.sum(flat, where=finite) / jnp.maximum(count, 1)
    variance = jnp.sum((flat - mean) ** 2, where=finite) / jnp.maximum(count, 1)
    zeros = jnp.sum(flat == 0) / size
    # If all values are equal, they are in the first bin.
    scale = BINS / jnp.maximum(high - low, 1e-30)
    bins = jnp.where(finite, (flat - low) * scale, 0).astype("int32")
    # The largest value, at the end of the last bin, belongs to it.
    counts = jnp.zeros(BINS, "int32").at[jnp.clip(bins, 0, BINS - 1)].add(finite.astype("int32"))
    measures = [mean + none, jnp.sqrt(variance) + none, low + none, high + none]
    return jnp.stack([*measures, zeros, jnp.sum(~finite) / size]), counts


def _make_row(path: str, kind: str, shape: Any, numbers: Any, counts: Any) -> ArrayStatistics:
    mean, std, low, high, zeros, nonfinite = (float(number) for number in numbers)
    return ArrayStatistics(
        path, kind, shape, mean, std, low, high, zeros, nonfinite, np.asarray(counts)
    )


def _format_number(value: float) -> str:
    return f"{value:.3g}"


def _format_share(value: float) -> str:
    return "-" if value == 0 else "100%" if value == 1 else f"{100 * value:.2g}%"
