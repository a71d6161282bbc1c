"""TraceLog: the reason for each compilation of a model's steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cornu import tree
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import warn
from cornu.types import Batch

__all__ = ["Spec", "Trace", "TraceLog", "specs_of"]

_MAX_TRACES = 100
# Warn when so many different row shapes, numbers of rows, or inputs of direct calls were compiled.
# Direct calls have the highest limit, because they are common in interactive use.
_SIZES, _ROWS, _CALLS = 3, 5, 10


class Spec(NamedTuple):
    """The dtype and the shape of an array."""

    dtype: str
    shape: tuple[int, ...]

    def __repr__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


class Trace(NamedTuple):
    """One compilation of a step.

    Attributes:
        step: "train", "test", "predict" (which `model(x, training=False)` shares) or "call".
        cause: the difference from the last compilation of this step.
        arrays: the specs of the batch, by name.
        facts: other properties that determine the program.
    """

    step: str
    cause: str
    arrays: Mapping[str, Spec]
    facts: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<{self.step}: {self.cause}>"


class TraceLog:
    """Records compilations and their reasons, and warns about repeated compilation."""

    def __init__(self) -> None:
        self._traces: deque[Trace] = deque(maxlen=_MAX_TRACES)
        self._reasons: dict[str, str] = {}
        self._streamed: dict[str, list[Mapping[str, Spec]]] = {}
        self._warned: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Trace]:
        return iter(list(self._traces))

    def give_reason(self, reason: str, steps: Iterable[str]) -> None:
        """Sets the reason for the next compilation of some steps, whose programs were dropped."""
        for step in steps:
            self._reasons[step] = reason
            self._streamed.pop(step, None)

    def note(
        self,
        owner: str,
        step: str,
        arrays: Mapping[str, Spec],
        facts: Mapping[str, Any],
        streamed: bool,
    ) -> None:
        """Records a compilation.

        Args:
            owner: the name of the model in messages.
            step: the step.
            arrays: the specs of the batch for which it is compiled.
            facts: other properties that determine the program.
            streamed: whether batches come from a stream or from calls, in any number of shapes.
        """
        # A copy, because other threads may add traces.
        traces = list(self._traces)
        last = next((trace for trace in reversed(traces) if trace.step == step), None)
        cause = self._reasons.pop(step, "")
        if last is None:
            cause = "first use"
        elif not cause:
            changes = [*_changes(last.arrays, arrays), *_changes(last.facts, facts)]
            cause = ", ".join(changes) or "its program was dropped"
        self._traces.append(Trace(step, cause, dict(arrays), dict(facts)))
        if streamed:
            seen = self._streamed.setdefault(step, [])
            dtype_change = step in ("train", "test") and _find_dtype_change(seen, arrays)
            if arrays not in seen:
                seen.append(dict(arrays))
            if dtype_change:
                self._warn(owner, step, "C061", dtype_change)
            elif _has_many_shapes(step, seen):
                self._warn(owner, step, "C060", _describe_shapes(seen))

    def _warn(self, owner: str, step: str, code: str, text: str) -> None:
        if (step, code) not in self._warned:
            self._warned.add((step, code))
            what = "the call" if step == "call" else f"the {step} step"
            warn(code, f"{owner}, {what}: {text}", stacklevel=user_stacklevel())


def specs_of(batch: Batch, names: Iterable[str] = ("x", "y", "sample_weight")) -> dict[str, Spec]:
    """Returns the spec of each array of a batch, by a name such as `x['a']`.

    Example:

    >>> import numpy as np
    >>> specs_of(({"a": np.ones((2, 3), "float32")}, np.arange(2, dtype="int32"), None))
    {"x['a']": float32[2, 3], 'y': int32[2]}
    """
    found = {}
    for name, part in zip(names, batch, strict=False):
        for path, leaf in tree.flatten_with_path(part):
            if leaf is not None:
                label = name + "".join(f"[{step!r}]" for step in path)
                found[label] = Spec(str(leaf.dtype), tuple(leaf.shape))
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, fact in after.items():
        if name not in before:
            yield f"{name} is new: {fact}"
        elif before[name] != fact:
            yield f"{name}: {before[name]} -> {fact}"
    yield from (f"{name} is gone" for name in before if name not in after)


def _find_dtype_change(seen: Iterable[Mapping[str, Spec]], arrays: Mapping[str, Spec]) -> str:
    """Returns a message if the dtype of an array changed between batches, else ''."""
    for name, spec in arrays.items():
        for before in seen:
            known = before.get(name, spec)
            if known.shape == spec.shape and known.dtype != spec.dtype:
                return (
                    f"{name} is {known.dtype} in one batch and {spec.dtype} in another, which "
                    f"requires two compilations. Use one dtype: {name}.astype({known.dtype!r})."
                )
    return ""


def _has_many_shapes(step: str, seen: list[Mapping[str, Spec]]) -> bool:
    if step not in ("train", "test"):
        return len(seen) >= _CALLS
    sizes = {tuple((name, spec.shape[1:]) for name, spec in one.items()) for one in seen}
    return len(sizes) >= _SIZES or len(seen) >= _ROWS


def _describe_shapes(seen: list[Mapping[str, Spec]]) -> str:
    name = next(n for n in seen[-1] if len({one[n] for one in seen if n in one}) > 1)
    shapes = ", ".join(dict.fromkeys(str(one[name].shape) for one in seen if name in one))
    return (
        f"batches have {len(seen)} different shapes ({name}: {shapes}), and each shape requires "
        "a compilation. Pad them to a few fixed sizes."
    )
