"""TraceLog: why a model's steps were compiled, each time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cornu import tree
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import warn

__all__ = ["Spec", "Trace", "TraceLog", "specs_of"]

_KEPT = 100
# So many shapes are no accident any more: sizes of rows, numbers of rows, and shapes of calls,
# which a person may well try out on this and that.
_SIZES, _ROWS, _CALLS = 3, 5, 10


class Spec(NamedTuple):
    """The dtype and the shape of an array."""

    dtype: str
    shape: tuple[int, ...]

    def __repr__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


class Trace(NamedTuple):
    """One time that a step was compiled.

    Attributes:
        step: "train", "test", "predict" (which `model(x, training=False)` shares) or "call".
        cause: what was new since the last time that this step was compiled.
        arrays: the specs of the batch, by name.
        facts: what else the program was made for.
    """

    step: str
    cause: str
    arrays: Mapping[str, Spec]
    facts: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<{self.step}: {self.cause}>"


class TraceLog:
    """Remembers what was compiled and why, and warns where it happens again and again."""

    def __init__(self) -> None:
        self._found: deque[Trace] = deque(maxlen=_KEPT)
        self._reasons: dict[str, str] = {}
        self._streamed: dict[str, list[Mapping[str, Spec]]] = {}
        self._said: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Trace]:
        return iter(self._found)

    def give_reason(self, reason: str, steps: Iterable[str]) -> None:
        """Says why the programs of some steps were thrown away."""
        for step in steps:
            self._reasons[step] = reason
            self._streamed.pop(step, None)

    def note(
        self,
        who: str,
        step: str,
        arrays: Mapping[str, Spec],
        facts: Mapping[str, Any],
        streamed: bool,
    ) -> None:
        """Remembers that a step is compiled.

        Args:
            who: the model, in messages.
            step: which.
            arrays: the specs of the batch that it is compiled for.
            facts: what else decides on the program.
            streamed: whether batches come one after another, so that it may go on for ever.
        """
        last = next((trace for trace in reversed(self._found) if trace.step == step), None)
        cause = self._reasons.pop(step, "")
        if last is None:
            cause = "first use"
        elif not cause:
            changes = [*_changes(last.arrays, arrays), *_changes(last.facts, facts)]
            cause = ", ".join(changes) or "its program was thrown away"
        self._found.append(Trace(step, cause, dict(arrays), dict(facts)))
        if streamed:
            seen = self._streamed.setdefault(step, [])
            flips = step in ("train", "test") and _flips(seen, arrays)
            if arrays not in seen:
                seen.append(dict(arrays))
            if flips:
                self._say(who, step, "C061", flips)
            elif _many(step, seen):
                self._say(who, step, "C060", _listed(seen))

    def _say(self, who: str, step: str, code: str, text: str) -> None:
        if (step, code) not in self._said:
            self._said.add((step, code))
            what = "the call" if step == "call" else f"the {step} step"
            warn(code, f"{who}, {what}: {text}", stacklevel=user_stacklevel())


def specs_of(batch: Any, names: Iterable[str] = ("x", "y", "sample_weight")) -> dict[str, Spec]:
    """Returns the spec of each array of a batch, by a name that a person would use.

    Example:

    >>> import numpy as np
    >>> specs_of(({"a": np.ones((2, 3), "float32")}, np.arange(2, dtype="int32"), None))
    {"x['a']": float32[2, 3], 'y': int32[2]}
    """
    found = {}
    for name, part in zip(names, batch, strict=False):
        for path, leaf in tree.flatten_with_path(part):
            if leaf is not None:
                place = name + "".join(f"[{step!r}]" for step in path)
                found[place] = Spec(str(leaf.dtype), tuple(leaf.shape))
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, fact in after.items():
        if name not in before:
            yield f"{name} is new: {fact}"
        elif before[name] != fact:
            yield f"{name}: {before[name]} -> {fact}"
    yield from (f"{name} is gone" for name in before if name not in after)


def _flips(seen: Iterable[Mapping[str, Spec]], arrays: Mapping[str, Spec]) -> str:
    """Says which array came with another dtype before, or nothing."""
    for name, spec in arrays.items():
        for before in seen:
            known = before.get(name, spec)
            if known.shape == spec.shape and known.dtype != spec.dtype:
                return (
                    f"{name} is {known.dtype} in one batch and {spec.dtype} in another, and is "
                    f"compiled for both. Bring all to one: {name}.astype({known.dtype!r})."
                )
    return ""


def _many(step: str, seen: list[Mapping[str, Spec]]) -> bool:
    if step not in ("train", "test"):
        return len(seen) >= _CALLS
    sizes = {tuple((name, spec.shape[1:]) for name, spec in one.items()) for one in seen}
    return len(sizes) >= _SIZES or len(seen) >= _ROWS


def _listed(seen: list[Mapping[str, Spec]]) -> str:
    name = next(n for n in seen[-1] if len({one[n] for one in seen if n in one}) > 1)
    shapes = ", ".join(dict.fromkeys(str(one[name].shape) for one in seen if name in one))
    return (
        f"batches come in {len(seen)} shapes ({name}: {shapes}), each of which is compiled anew. "
        "Pad them to a few fixed sizes."
    )
