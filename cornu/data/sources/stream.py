"""Stream: batches that come one after another, from a generator or any other iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax

from cornu import tree
from cornu.data.foreign_types import named

__all__ = ["Stream"]

_END = object()


class Stream:
    """Batches from an iterable; the base of all sources that give batches rather than rows.

    A subclass says how a pass through the data begins (`_open`) and, if the position in it can be
    kept, what it is (`_mark`) and how to get there (`_reach`).

    Args:
        source: an iterable of batches.
        steps: batches of an epoch; by default as many as there are in a pass. If they are given,
            an epoch goes on where the last one ended.
        read: makes arrays `(x, y, sample_weight)` of a batch.
        prepare: is applied to these.
        restart: whether a new pass begins when the data ends within an epoch of given steps.

    Attributes:
        steps: batches of an epoch, or None until the first has ended.
        resumes: "batch" if another process can go on in the middle of an epoch, else "epoch".
    """

    resumes = "epoch"

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Callable[[Any], Any] = lambda batch: batch,
        restart: bool = False,
    ) -> None:
        self._source = source
        self._given = steps
        self.steps = steps
        self._read = read
        self._prepare = prepare
        self._restarts = restart
        self._iterator: Iterator[Any] | None = None
        self._first: Any = None
        self._held: Any = None  # the first batch, which was read and not yet used
        self._layout: dict[str, Any] | None = None
        self._signature: Any = None  # of the last batch
        self._pass = -1  # the number of the pass that was begun last
        self._count = 0  # how many batches of it were read

    # ------------------------------------------------------------------------------------- reading

    def first(self) -> Any:
        """Returns the first batch, which is kept for the first epoch."""
        if self._first is None:
            self._first = self._held = self._next()
            if self._first is None:
                raise ValueError("The data is empty: it gave no batch.")
        return self._first

    def preview(self) -> Any:
        """Returns what can be looked at before training: the first batch."""
        return self.first()

    def example(self) -> Any:
        """Returns the specs of the first batch."""
        return jax.tree_util.tree_map(
            lambda x: jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype)),
            self.first(),
        )

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, from number `start` on (after `restore`)."""
        count = start
        if self._given is None and not start and self._held is None:
            self._iterator = None
        empty = False
        while self._given is None or count < self._given:
            batch = self._next()
            if batch is None:
                if self._given is None:
                    break
                if empty or not self._restarts or self._once:
                    raise self._ended(count)
                empty = True  # a pass without any batch would go round for ever
                continue
            empty = False
            count += 1
            yield batch
        if self._given is None:
            self.steps = count
            if count == 0:
                raise ValueError(
                    "The data gave no batch in this epoch: a generator can be read only once.\n"
                    "Pass something that can be iterated over again, or `steps_per_epoch`."
                )

    @property
    def _once(self) -> bool:
        """Whether the data can be read only once, as a generator."""
        # `iter` is not asked: a new iterator of tf.data takes the next seed of its shuffling.
        return hasattr(type(self._source), "__next__")

    def _ended(self, count: int) -> ValueError:
        return ValueError(
            f"The data ended after {count} batches of an epoch of {self.steps}.\n"
            "Let it go on without end, or give a smaller `steps_per_epoch`."
        )

    def _next(self) -> Any:
        """Returns the next batch, or None at the end of a pass."""
        if self._held is not None:
            batch, self._held = self._held, None
            return batch
        if self._iterator is None:
            self._begin()
        assert self._iterator is not None
        raw = next(self._iterator, _END)
        if raw is _END:
            self._iterator = None
            return None
        self._count += 1
        return self._checked(raw, self._count - 1)

    def _begin(self) -> None:
        self._pass += 1
        self._count = 0
        self._iterator = self._open()

    def _open(self) -> Iterator[Any]:
        """Returns an iterator over the pass number `self._pass`."""
        return iter(self._source)

    # ------------------------------------------------------------------------------------ checking

    def _checked(self, raw: Any, number: int) -> Any:
        """Returns a batch as arrays, if it is like the first."""
        try:
            batch = self._read(raw)
            self._check(batch, number)
            return self._prepare(batch)
        except (TypeError, ValueError) as error:
            if number and not str(error).startswith("Batch"):
                error.add_note(f"This was batch {number} of the data; the first is 0.")
            raise

    def _check(self, batch: Any, number: int) -> None:
        signature = tree.signature(batch)
        if signature == self._signature:
            return  # like the last, as nearly all are
        layout = _layout(batch)
        for path, leaf in _named(batch):
            if leaf.ndim and leaf.shape[0] == 0:
                raise ValueError(
                    f"Batch {number} of the data is empty: {path} has the shape {leaf.shape}.\n"
                    "Leave such batches out, where the data is made."
                )
        if self._layout is None:
            self._layout = layout
        difference = _difference(self._layout, layout, number)
        if difference is not None:
            raise ValueError(difference)
        self._signature = signature

    # ------------------------------------------------------------------------------------ resuming

    def state(self) -> dict[str, Any] | None:
        """Returns the position after the last batch that was yielded, as plain data."""
        if self.resumes != "batch":
            return None
        state = {"pass": self._pass, "count": self._count, "over": self._iterator is None}
        if self._held is not None:
            return {**state, "count": 0, "mark": None}
        return {**state, "mark": None if self._iterator is None else self._mark()}

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Goes to where another process was; `batches(epoch, start)` gives what comes next."""
        if state is None or state["pass"] < 0:
            return
        number, count, mark = state["pass"], state["count"], state["mark"]
        if state["over"] or (self._given is None and not start and count):
            number, count, mark = number + 1, 0, None
        if count == 0 and number == self._pass and self._held is not None:
            return
        self._held = None
        if count == 0 and number > self._pass:
            self._skip_to(number - 1)
            self._iterator = None
            return
        self._reach(number, count, mark)

    def _mark(self) -> Any:
        """Returns the position in the pass, as plain data."""
        return None

    def _skip_to(self, number: int) -> None:
        """Does as if the passes up to a number had been read."""
        self._pass = number

    def _reach(self, number: int, count: int, mark: Any) -> None:
        """Goes to where `count` batches of pass `number` were read."""
        self._skip_to(number - 1)
        self._begin()
        self._count = count
        if count:
            self._set_mark(mark)

    def _set_mark(self, mark: Any) -> None:
        """Takes up a position in the pass that was begun."""

    def describe(self) -> dict[str, Any]:
        """Returns what must be equal for the batches to be equal, as far as it is known."""
        return {"kind": named(self._source), "steps": self._given}

    def close(self) -> None:
        """Lets go of what is being read."""
        self._iterator = self._held = None


def _named(batch: Any) -> list[tuple[str, Any]]:
    parts = [(path, leaf) for path, leaf in tree.flatten_with_path(tuple(batch))]
    return [(_path(path), leaf) for path, leaf in parts if leaf is not None]


def _path(path: tuple[Any, ...]) -> str:
    return ("x", "y", "sample_weight")[path[0]] + "".join(f"[{step!r}]" for step in path[1:])


def _layout(batch: Any) -> dict[str, Any]:
    """Returns the spec of each array by its path."""
    return {
        path: jax.ShapeDtypeStruct(leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype))
        for path, leaf in _named(batch)
    }


def _alike(first: Any, now: Any) -> bool:
    """Whether two arrays, or none, agree in what is the same for all batches."""
    if first is None or now is None:
        return first is now
    return bool(first.ndim == now.ndim and first.dtype == now.dtype)


def _difference(first: dict[str, Any], now: dict[str, Any], number: int) -> str | None:
    """Returns how a batch differs from the first, None if it does not."""
    lines = []
    for path in dict.fromkeys((*first, *now)):
        a, b = first.get(path), now.get(path)
        if not _alike(a, b):
            lines.append(f"  {path}: {_describe_spec(a)} in the first, {_describe_spec(b)} here")
    if not lines:
        return None
    return (
        f"Batch {number} of the data is not like the first, which is 0:\n"
        + "\n".join(lines)
        + "\nAll batches need the same structure, number of axes and dtype."
    )


def _describe_spec(spec: Any) -> str:
    return "nothing" if spec is None else f"{spec.dtype} {spec.shape}"
