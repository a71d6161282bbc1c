"""RematPlanner: chooses which blocks and layers the backward pass of training recomputes.

The candidates are the blocks of a model and its layers that own layers, on one level of nesting.
The memory of a step is what the compiled program reports, since XLA reuses and fuses arrays. It is
measured with no candidate and with all candidates recomputed. In between, an estimate from the
sizes of outputs tells where to measure: parts that store the most for each operation that is
repeated come first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from cornu import inspect
from cornu.core.graph.remat import RematMode
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.errors import is_positive_integer, quantity
from cornu.inspect.find import find
from cornu.inspect.outline import Item
from cornu.inspect.tables.formatting import format_bytes
from cornu.training.memory import compile_step, find_available_memory, program_bytes
from cornu.training.protocols import TrainableModel
from cornu.training.step.program import Program
from cornu.types import Batch

__all__ = ["RematPlan", "RematPlanner", "rematerialize"]

_MEASUREMENTS = 4  # compilations between those of no part and of all parts
_CLOSE = 0.9  # a step that needs this part of the limit is not improved further
_MODE = RematMode("full", 0, ())
_REMEDY = 'compile(..., remat="auto", memory_limit=8 * 2**30)'


@dataclass(frozen=True)
class RematPlan:
    """Which parts of a model the backward pass recomputes, and what that saves.

    Attributes:
        limit: the bytes that a training step may need.
        stored: the bytes that it needs without this plan; None if it does not even compile.
        needed: the bytes that it needs with this plan.
        paths: the blocks and layers that are recomputed.
        candidates: the number of blocks and layers that could be.
    """

    limit: int
    stored: int | None
    needed: int
    paths: tuple[str, ...]
    candidates: int

    def __str__(self) -> str:
        if not self.paths:
            return (
                f"nothing recomputed: a training step needs {format_bytes(self.needed)} of "
                f"{format_bytes(self.limit)}"
            )
        return (
            f"{len(self.paths)} of {quantity(self.candidates, 'block')} recomputed: a training "
            f"step needs {format_bytes(self.needed)} of {format_bytes(self.limit)}, and "
            f"{format_bytes(self.stored)} before"
        )


@dataclass(eq=False)
class _Part:
    """A block or layer that can be recomputed.

    Attributes:
        item: where it is in the outline.
        stored: the bytes of the outputs within it, which recomputing does not store.
        flops: the operations that are repeated.
    """

    item: Item
    stored: int = 0
    flops: int = 0

    def set(self, on: bool) -> None:
        """Sets whether it is recomputed."""
        if self.item.block is not None:
            self.item.block.remat = on
        else:
            self.item.op._remat_ = _MODE if on else None


def rematerialize(
    model: TrainableModel, request: str | Sequence[str] | None, limit: int | None
) -> RematPlanner | None:
    """Returns the planner for the arguments of `compile`, or None.

    Raises:
        ValueError: the arguments are wrong, or a functional model has no such block.
    """
    if limit is not None and not is_positive_integer(limit):
        raise ValueError(f"memory_limit must be a number of bytes. Received: {limit!r}")
    if limit is not None and request != "auto":
        raise ValueError(
            f'memory_limit requires remat="auto", which chooses what to recompute. Received: '
            f"memory_limit={limit!r}, remat={request!r}"
        )
    if request is None:
        return None
    planner = RematPlanner(model, request, limit)
    if request != "auto" and model._graph_ is not None:
        planner.apply()
    return planner


class RematPlanner:
    """Creates the programs of training steps such that they fit into memory.

    Args:
        model: the model.
        request: `"auto"`, or patterns of the parts to recompute.
        limit: the bytes that a step may need; those of the device if None.

    Attributes:
        plan: what was chosen; None before the first program, and for patterns.
    """

    def __init__(
        self, model: TrainableModel, request: str | Sequence[str], limit: int | None
    ) -> None:
        self.plan: RematPlan | None = None
        self._model: Any = model
        self._request = request
        self._limit = limit
        self._chosen: list[_Part] = []
        self._applied = False

    def reset(self) -> None:
        """Recomputes nothing that this planner chose."""
        for part in self._chosen:
            part.set(False)
        self._chosen, self.plan, self._applied = [], None, False

    def apply(self) -> None:
        """Recomputes the parts that match the patterns.

        Raises:
            ValueError: none of them can be recomputed.
        """
        request = [self._request] if isinstance(self._request, str) else list(self._request)
        items = find(self._model, request, kinds=("block", "layer", "model"))
        self._chosen = [_Part(item) for item in items if _is_candidate(item)]
        if not self._chosen:
            raise ValueError(
                f"Model {self._model.name!r}: remat={self._request!r} matches neither blocks nor "
                "layers that own layers. Write what is repeated as a function, which is a block, "
                "or create the layers within cornu.RematScope()."
            )
        for part in self._chosen:
            part.set(True)
        self._applied = True

    def make(
        self,
        step: Callable[[Any], Any],
        variables: Sequence[Variable],
        batch: Batch,
        padded: bool,
        sources: Sequence[object],
        placement: Any = None,
    ) -> Program:
        """Returns the program of a step on batches like this one; see `Program`.

        Raises:
            ValueError: the limit of memory cannot be met.
        """

        def trace() -> Program:
            return Program(step, variables, batch, padded, sources, placement)

        if self._request != "auto":
            if not self._applied:
                self.apply()
            return trace()
        limit = self._limit or find_available_memory(variables, _REMEDY)
        return _Search(self._model, limit, trace, batch, self._chosen).run(self._record)

    def _record(self, chosen: list[_Part], plan: RematPlan) -> None:
        self._chosen, self.plan = chosen, plan


class _Search:
    """The search for the parts to recompute, for batches of one shape.

    Args:
        model: the model; limit: the bytes of a step.
        trace: traces the step as the parts are now.
        batch: an example of a batch.
        before: the parts that are recomputed because of other batches.
    """

    def __init__(
        self,
        model: Any,
        limit: int,
        trace: Callable[[], Program],
        batch: Batch,
        before: list[_Part],
    ) -> None:
        self.model = model
        self.limit = limit
        self._trace = trace
        self._batch = batch
        self._before = before
        self._rows = int(jax.tree_util.tree_leaves(batch)[0].shape[0])

    def run(self, record: Callable[[list[_Part], RematPlan], None]) -> Program:
        """Returns the program that fits, after recording what was chosen."""
        program, stored = self._measure()
        if stored is not None and stored <= self.limit:
            record(self._before, self._plan(stored, stored, self._before, len(self._before)))
            return program
        parts = self._find_parts()
        everything = self._set(parts, len(parts)) if parts else (program, stored)
        if everything[1] is None or everything[1] > self.limit:
            self._set(parts, 0)
            raise ValueError(self._explain(stored, everything[1], parts))
        count, (program, needed) = self._bisect(parts, stored, everything)
        self._switch(parts, count)
        assert needed is not None
        chosen = [*self._before, *parts[:count]]
        record(chosen, self._plan(stored, needed, chosen, len(parts) + len(self._before)))
        return program

    def _plan(
        self, stored: int | None, needed: int, chosen: list[_Part], candidates: int
    ) -> RematPlan:
        paths = tuple(part.item.path for part in chosen)
        return RematPlan(self.limit, stored, needed, paths, candidates)

    def _bisect(
        self, parts: list[_Part], stored: int | None, everything: tuple[Program, int | None]
    ) -> tuple[int, tuple[Program, int | None]]:
        """Returns about the smallest number of parts with which the step fits, and its program."""
        none, all_of_them, best = 0, len(parts), everything
        for _ in range(_MEASUREMENTS):
            if all_of_them - none <= max(1, len(parts) // 16):
                break
            if best[1] is not None and best[1] > _CLOSE * self.limit:
                break
            middle = self._guess(parts, stored, everything[1])
            middle = min(max(middle, none + 1), all_of_them - 1)
            found = self._set(parts, middle)
            if found[1] is not None and found[1] <= self.limit:
                all_of_them, best = middle, found
            else:
                none = middle
        return all_of_them, best

    def _guess(self, parts: list[_Part], stored: int | None, least: int | None) -> int:
        """Returns the number of parts that suffices if savings are as large as estimated."""
        total = _savings(parts)
        if stored is None or least is None or total <= 0:
            return len(parts) // 2
        wanted = (stored - self.limit) / (stored - least) * total if stored > least else total
        return next(
            k for k in range(1, len(parts) + 1) if _savings(parts[:k]) >= min(wanted, total)
        )

    def _set(self, parts: list[_Part], count: int) -> tuple[Program, int | None]:
        """Recomputes the first parts; returns the program and the bytes that it needs."""
        self._switch(parts, count)
        return self._measure()

    def _switch(self, parts: list[_Part], count: int) -> None:
        for number, part in enumerate(parts):
            part.set(number < count)

    def _measure(self) -> tuple[Program, int | None]:
        program = self._trace()
        compiled = compile_step(program.lower(jax.random.key(0), self._batch))
        return program, None if compiled is None else program_bytes(compiled)

    def _find_parts(self) -> list[_Part]:
        """Returns the candidates, the best first."""
        x = jax.tree_util.tree_leaves(self._batch[0])
        length = int(x[0].shape[1]) if x and x[0].ndim > 1 else 1
        costs = inspect.cost(self.model, self._rows, length)
        taken = {id(part.item.block or part.item.op) for part in self._before}
        known: dict[int, int] = {}
        for item in reversed(list(costs.root.walk())):
            inner = sum(known[id(child)] for child in item.children)
            known[id(item)] = max(inner, costs.of(item).outputs or 0)

        def describe(item: Item) -> _Part:
            last = item.children[-1] if item.children else item
            outputs = costs.of(last).outputs or 0
            stored = max(known[id(item)] - outputs, 0)
            return _Part(item, stored, costs.of(item).flops or 0)

        levels = [
            [describe(item) for item in level if id(item.block or item.op) not in taken]
            for level in _levels(costs.root)
        ]
        best = max(levels, key=_savings, default=[])
        order = sorted(enumerate(best), key=lambda pair: (-_worth(pair[1]), pair[0]))
        return [part for _, part in order]

    def _explain(self, stored: int | None, least: int | None, parts: list[_Part]) -> str:
        def amount(size: int | None) -> str:
            return "more than the device has" if size is None else format_bytes(size)

        text = (
            f"Model {self.model.name!r}: a training step on {quantity(self._rows, 'row')} needs "
            f"{amount(stored)}"
        )
        if parts:
            text += (
                f", and {amount(least)} if all of {quantity(len(parts), 'block')} are recomputed"
            )
        text += f"; memory_limit is {format_bytes(self.limit)}.\n"
        if not parts:
            text += (
                "It has no blocks to recompute: write what is repeated as a function, or a layer "
                "that owns layers. "
            )
        return (
            f"{text}Use a smaller batch, a smaller dtype (mixed_bfloat16) or an optimizer with "
            "less state, or raise memory_limit."
        )


def _worth(part: _Part) -> float:
    """Returns the bytes that are not stored for each operation that is repeated."""
    return part.stored / max(part.flops, 1)


def _savings(parts: Sequence[_Part]) -> int:
    """Returns the estimated bytes that a step saves: what one part stores is needed at a time."""
    stored = [part.stored for part in parts]
    return sum(stored) - max(stored, default=0)


def _is_candidate(item: Item) -> bool:
    if item.parent is None or item.again:
        return False
    if item.block is not None:
        return len(item.block.nodes) > 1
    return isinstance(item.op, Layer) and bool(item.op._sublayers_())


def _levels(root: Item) -> list[list[Item]]:
    """Returns the candidates by level of nesting; on each level none contains another."""
    level = _inside(root)
    found = []
    while level:
        found.append(level)
        inner = {id(item): _inside(item) for item in level}
        if not any(inner.values()):
            break
        level = [part for item in level for part in inner[id(item)] or [item]]
    return found


def _inside(item: Item) -> list[Item]:
    """Returns the outermost candidates within an item."""
    found: list[Item] = []
    for child in item.children:
        found += [child] if _is_candidate(child) else _inside(child)
    return found
