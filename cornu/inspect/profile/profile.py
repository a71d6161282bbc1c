"""profile: measured time, operations and bytes of each layer and block of a model."""

from __future__ import annotations

from os import PathLike
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.outline import Item, outline
from cornu.inspect.profile.abstract_trace import nbytes, to_specs, trace_call
from cornu.inspect.profile.chrome_trace import save_chrome_trace
from cornu.inspect.profile.measure import LayerTimer, Measure, record_inner_calls, run_with_scopes
from cornu.inspect.profile.stopwatch import Stopwatch
from cornu.inspect.tables.formatting import format_bytes, format_flops, format_seconds
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import print_table, to_text
from cornu.types import PyTree

__all__ = ["Profile", "profile"]


class Profile:
    """The times of a model and its parts, by their paths in `cornu.inspect.outline`.

    Args:
        root: the outline of the model.
        measures: the Measure of each item of the outline, by its `id`.
        whole: the Measure of the model as one program.
        device: the name of the device.

    Attributes:
        root: the outline of the model.
        total: the sum over all layers, each measured separately.
        whole: the model compiled as one program.
        device: the device that it ran on.

    `profile["stage/block"]` is the Measure of a part; `print(profile)` shows a table.
    """

    def __init__(
        self, root: Item, measures: dict[int, Measure], whole: Measure, device: str
    ) -> None:
        self.root = root
        self.whole = whole
        self.device = device
        self._measures = measures
        self._paths = {item.path: item for item in reversed(list(root.walk())) if item.path}

    @property
    def total(self) -> Measure:
        """The sum over all layers."""
        return self._measures[id(self.root)]

    def of(self, item: Item) -> Measure:
        """Returns the Measure of an item of the outline.

        Args:
            item: an item of the outline `root`.
        """
        return self._measures[id(item)]

    def __getitem__(self, path: str) -> Measure:
        if path not in self._paths:
            raise KeyError(f"The model has no part {path!r}. Parts: {list(self._paths)[::-1]}")
        return self.of(self._paths[path])

    def slowest(self, count: int = 10) -> list[tuple[str, Measure]]:
        """Returns the paths and Measures of the slowest layers, forward and backward together.

        Args:
            count: the number of layers.
        """
        layers = [item for item in self.root.walk() if not item.children and item is not self.root]
        layers.sort(key=lambda item: -_both(self.of(item)))
        return [(item.path, self.of(item)) for item in layers[:count]]

    # ---------------------------------------------------------------------------------- table

    def table(self, depth: int | None = None) -> DisplayTable:
        """Returns a table with `depth` levels of blocks and models, None for all."""
        measures = [self.whole, *self._measures.values()]
        backward = any(measure.backward is not None for measure in measures)
        titles = [
            "Forward ms",
            *(["Backward ms"] if backward else []),
            "%",
            "FLOPs",
            "Bytes",
            "GFLOP/s",
        ]
        columns = [
            TableColumn("Layer (type)", breaks="names"),
            *(TableColumn(t, right=True) for t in titles),
        ]
        lines = [self._line(item, backward, depth) for item in self.root.children]
        notes = [
            f"Sum of the layers, each run separately: {_times(self.total)}",
            f"The whole model as one program: {_times(self.whole)}, "
            f"{_rate(self.whole)} GFLOP/s, on {self.device}",
        ]
        if not self.total.calls:
            notes.append("No call of a layer was recorded; only the whole model was measured.")
        if not self.total.compiled:
            notes.append("* Not compiled, because JAX cannot trace it.")
        return DisplayTable(f'Model: "{self.root.name}"', columns, lines, notes)

    def print(self, depth: int | None = None, line_length: int | None = None) -> None:
        """Prints the table, with colors in a terminal.

        Args:
            depth: the number of levels of blocks and nested models to show; all by default.
            line_length: the width of the table; the width of the terminal by default.
        """
        print_table(self.table(depth), line_length)

    def __str__(self) -> str:
        return to_text(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return to_html(self.table())

    def _line(self, item: Item, backward: bool, depth: int | None) -> TableRow:
        found = self.of(item)
        name = item.name if item.kind == "block" else f"{item.name} ({item.label})"
        share = _both(found) / max(_both(self.total), 1e-12)
        cells = [
            name + ("" if found.compiled or item.children else " *"),
            _milliseconds(found.seconds),
            *([_milliseconds(found.backward)] if backward else []),
            f"{100 * share:.1f}" if found.calls else "-",
            format_flops(found.flops) if found.calls else "-",
            format_bytes(found.bytes) if found.calls else "-",
            _rate(found),
        ]
        deeper = None if depth is None else depth - 1
        inner = item.children if deeper != 0 else []
        children = [self._line(child, backward, deeper) for child in inner]
        return TableRow(cells, children, heading=bool(item.children))

    # ---------------------------------------------------------------------------------- files

    def save(self, filepath: str | PathLike[str]) -> None:
        """Writes a trace for https://ui.perfetto.dev and chrome://tracing.

        Layers follow one another within their blocks, first the forward pass, then (if measured)
        the backward pass in reverse order.

        Args:
            filepath: the path of the JSON file.
        """
        save_chrome_trace(filepath, self.root, self.of, self.whole)


@api_boundary
def profile(
    model: Any,
    batch: PyTree,
    *,
    training: bool = False,
    backward: bool = False,
    repeats: int = 10,
    trace_dir: str | PathLike[str] | None = None,
) -> Profile:
    """Measures the time of each layer and block of a model.

    Each layer is compiled separately and runs on its inputs for this batch: once to warm up, then
    several times, of which the median counts. Each time includes the launch of a program (about
    20 microseconds). XLA fuses layers when it compiles the whole model, so the sum over the layers
    differs from the time of the whole model, which is measured as well. The backward pass
    computes the gradients of weights and inputs from the residuals of the forward pass.

    Weights do not change, also with `training=True`. The time of a block or functional model is
    the sum of its layers. For a subclassed model, the layers that its `call` uses are measured;
    other operations in `call` are only part of the time of the whole model. Layers that take
    strings run on the host when data are read, and are not measured.

    Args:
        model: a model; it is built for the batch if necessary.
        batch: a batch of inputs, the argument of a model call.
        training: whether layers behave as in training.
        backward: whether the backward pass is measured, too.
        repeats: the number of runs of each layer.
        trace_dir: a folder for a `jax.profiler` trace of the whole model, for TensorBoard or
            Perfetto; its operations are named by the paths of their layers.

    Returns:
        A Profile, which prints as a table. `profile["stage/block"]` is one part; `save` writes a
        trace file.

    Raises:
        TypeError: `model` is not a model.
        ValueError: the batch does not match the model, or `repeats` is below 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = cornu.Input((4,), name="x")
    >>> model = cornu.Model(x, cornu.layers.Dense(8, name="dense")(x))
    >>> result = profile(model, np.ones((16, 4), "float32"), repeats=3)
    >>> result["dense"].flops, result["dense"].bytes, result["dense"].seconds > 0
    (1152, 928, True)
    """
    if not isinstance(model, Layer) or not model._is_model_:
        raise TypeError(f"profile() expects a model. Received: {model!r}")
    if repeats < 1:
        raise ValueError(f"`repeats` must be at least 1. Received: {repeats}")
    if not model.built:
        model._build_for_(batch)  # type: ignore[attr-defined]
    inputs = model._read_inputs_(batch)  # type: ignore[attr-defined]
    inputs = tree.map(lambda x: jnp.asarray(x) if isinstance(x, np.ndarray) else x, inputs)
    root = outline(model)
    stopwatch = Stopwatch(repeats, training, backward)
    found = LayerTimer(stopwatch)
    if model._graph_ is not None:
        inputs = model._graph_.bind(inputs)
        found.measure_graph(root, inputs)
    else:
        found.measure_layers(root, record_inner_calls(model, (inputs,), {}, training))
    found.sum_parts(root)
    # The named scopes let `jax.profiler` attribute operations to layers.
    variables = list(model._all_variables_)
    timed = stopwatch.run(lambda x: run_with_scopes(model, x, root), variables, inputs, trace_dir)
    if model._graph_ is not None:
        flops = found.measures[id(root)].flops
    else:
        flops = trace_call(model, (to_specs(inputs),), {}, training=training).flops
    size = nbytes(inputs) + nbytes(timed.outputs) + sum(v.stored.nbytes for v in model.weights)
    whole = Measure(timed.forward, timed.backward, flops, size, 1, timed.compiled)
    device = jax.devices()[0]
    return Profile(root, found.measures, whole, f"{device.platform} ({device.device_kind})")


def _both(found: Measure) -> float:
    return (found.seconds or 0.0) + (found.backward or 0.0)


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:.3f}"


def _times(found: Measure) -> str:
    text = f"{format_seconds(found.seconds)} forward"
    if found.backward is None:
        return text
    return f"{text}, {format_seconds(found.backward)} backward"


def _rate(found: Measure) -> str:
    rate = found.flops_per_second
    return "-" if rate is None else f"{rate / 1e9:,.2f}"
