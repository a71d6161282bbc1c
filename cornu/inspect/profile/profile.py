"""profile: measured time, operations and bytes of each layer and block of a model."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.inspect.outline import Item, outline
from cornu.inspect.profile.abstract_trace import nbytes, specs, trace
from cornu.inspect.profile.chrome_trace import save_trace
from cornu.inspect.profile.measure import Measure, Measuring, calls_inside, run_named
from cornu.inspect.profile.stopwatch import Stopwatch
from cornu.inspect.tables.formatting import format_bytes, format_flops, format_seconds
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import print_table, to_text

__all__ = ["Profile", "profile"]


class Profile:
    """The times of a model and its parts, by the paths of `cornu.inspect.outline`.

    Attributes:
        root: the outline of the model.
        total: the sum over all layers, each of which was run by itself.
        whole: the model compiled and run as one program.
        device: on what it ran.

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
        """Returns the Measure of an item of the outline."""
        return self._measures[id(item)]

    def __getitem__(self, path: str) -> Measure:
        if path not in self._paths:
            raise KeyError(f"There is no part {path!r}. Parts: {list(self._paths)[::-1]}")
        return self.of(self._paths[path])

    def slowest(self, count: int = 10) -> list[tuple[str, Measure]]:
        """Returns the layers that take longest, forward and backward together, with paths."""
        layers = [item for item in self.root.walk() if not item.children and item is not self.root]
        layers.sort(key=lambda item: -_both(self.of(item)))
        return [(item.path, self.of(item)) for item in layers[:count]]

    # ---------------------------------------------------------------------------------- shown

    def table(self, depth: int | None = None) -> DisplayTable:
        """Returns a table; `depth` tells how many levels of blocks and models are in it."""
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
            f"Sum of the layers, each run by itself: {_times(self.total)}",
            f"The whole model as one program: {_times(self.whole)}, "
            f"{_rate(self.whole)} GFLOP/s, on {self.device}",
        ]
        if not self.total.calls:
            notes.append("No call of a layer was seen: there is only the time of the whole.")
        if not self.total.compiled:
            notes.append("* JAX could not compile it: run as it is.")
        return DisplayTable(f'Model: "{self.root.name}"', columns, lines, notes)

    def print(self, depth: int | None = None, line_length: int | None = None) -> None:
        """Prints the table, with colours in a terminal."""
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

    # ---------------------------------------------------------------------------------- saved

    def save(self, filepath: Any) -> None:
        """Writes a trace for https://ui.perfetto.dev and chrome://tracing.

        Layers stand one after another in the blocks that they are part of, first forward, then
        (if gradients were measured) backward in the reverse order.
        """
        save_trace(filepath, self.root, self.of, self.whole)


def profile(
    model: Any,
    batch: Any,
    *,
    training: bool = False,
    backward: bool = False,
    repeats: int = 10,
    trace_dir: Any = None,
) -> Profile:
    """Measures how long each layer and block of a model takes.

    Each layer is compiled by itself and run on the arrays that reach it for this batch: once to
    warm up, then several times, of which the median counts. What it takes to start a program (some
    20 microseconds) is part of each time. XLA merges layers when it compiles the whole
    model, so the sum over the layers is not the time of the whole; that is measured too, and
    stands beside it. Gradients are those by weights and inputs, computed from what
    the forward run kept.

    Weights are not changed, neither with `training=True`. Blocks and drawn models are the sums of
    their layers. Of a model that is not drawn the layers are measured whose calls are seen when
    it runs; what its `call` does between them is in the time of the whole only.

    Args:
        model: a model. It is built for the batch if it is not.
        batch: a batch of inputs, as the model is called on.
        training: whether layers behave as in training.
        backward: whether gradients are measured too.
        repeats: how often each layer is run.
        trace_dir: a folder for a trace by `jax.profiler` of the whole model, for TensorBoard or
            Perfetto; its operations carry the paths of the layers they come from.

    Returns:
        A Profile: print it, look up `profile["stage/block"]`, `save` it for trace viewers.

    Raises:
        TypeError: `model` is not a model.
        ValueError: the batch does not fit; `repeats` is below 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = cornu.Input((4,), name="x")
    >>> model = cornu.Model(x, cornu.layers.Dense(8, name="dense")(x))
    >>> result = profile(model, np.ones((16, 4), "float32"), repeats=3)
    >>> result["dense"].flops, result["dense"].bytes, result["dense"].seconds > 0
    (1152, 928, True)
    """
    if not isinstance(model, Layer) or not model.is_model:
        raise TypeError(f"profile() measures models. Received: {model!r}")
    if repeats < 1:
        raise ValueError(f"`repeats` is 1 or more. Received: {repeats}")
    inputs = tree.map(lambda x: jnp.asarray(x) if isinstance(x, np.ndarray) else x, batch)
    if not model.built:
        model.build_for(batch)  # type: ignore[attr-defined]
    root = outline(model)
    watch = Stopwatch(repeats, training, backward)
    found = Measuring(watch)
    if model.functional_graph is not None:
        inputs = model.functional_graph.bind(inputs)
        found.drawn(root, inputs)
    else:
        found.undrawn(root, calls_inside(model, (inputs,), {}, training))
    found.add_up(root)
    variables = list(model.all_variables)
    timed = watch.run(lambda x: run_named(model, x, root), variables, inputs, trace_dir)
    if model.functional_graph is not None:
        flops = found.measures[id(root)].flops
    else:
        flops = trace(model, (specs(inputs),), {}, training=training).flops
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
