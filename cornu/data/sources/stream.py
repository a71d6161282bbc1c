"""Stream: batches from a generator or any other iterable, with sequential access."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import jax

from cornu import tree
from cornu.errors import quantity
from cornu.foreign import describe_class
from cornu.types import Batch, PyTree

__all__ = ["Prepare", "SourceCheck", "Stream", "keep_structure"]

_END = object()


class Prepare(Protocol):
    """Changes batches of arrays when they have been read."""

    def __call__(self, batch: Batch, is_known: bool) -> Any:
        """Returns the batch in another structure.

        Args:
            batch: `(x, y, sample_weight)`.
            is_known: whether the last batch had the same structure, shapes and dtypes, which
                need no further check.
        """


def keep_structure(batch: Batch, is_known: bool) -> Any:
    """Returns the batch."""
    return batch


class SourceCheck(Protocol):
    """A check of the values of batches."""

    def __call__(self, batch: Batch, number: int, is_known: bool = False) -> None:
        """Raises an error for a wrong batch.

        Args:
            batch: `(x, y, sample_weight)`.
            number: the number of the batch.
            is_known: whether the last batch that was checked had the same structure, shapes and
                dtypes.
        """

    def finish(self) -> None:
        """Raises an error if the last batch was wrong, which may be known only later.

        The error names the batch.
        """


class Stream:
    """Batches from an iterable; the base class of all sources without random access.

    A subclass defines how a pass through the data starts (`_open`) and, if the position in a pass
    can be saved, how it is obtained (`_position`) and restored (`_seek`).

    Args:
        source: an iterable of batches.
        steps: batches per epoch; by default one pass through the data. If it is given, an epoch
            continues where the last one ended.
        read: converts a batch to arrays `(x, y, sample_weight)`.
        prepare: changes the structure of the arrays.
        restart: whether a new pass starts when the data ends before `steps` batches.

    Attributes:
        steps: batches per epoch, or None until the end of the first epoch.
        resumes: "batch" if another process can continue in the middle of an epoch, else "epoch".
        check: called with each batch and its number; it raises an error for wrong values.
        rejected: the number of the batch that was wrong, or None.
    """

    resumes = "epoch"

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Prepare = keep_structure,
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
        self._pending: Any = None  # the first batch, while it has been read but not yielded
        self._layout: dict[str, Any] | None = None
        self._signature: Any = None  # of the last batch, as it was read
        self.check: SourceCheck | None = None
        self.rejected: int | None = None
        self._checked: int | None = None  # the number of the last batch that was checked
        self._pass = -1  # the number of the current pass
        self._count = 0  # the number of its batches that have been read

    # ------------------------------------------------------------------------------------- reading

    def first(self) -> Any:
        """Returns the first batch, which is also the first batch of the first epoch."""
        if self._first is None:
            self._first = self._pending = self._next()
            if self._first is None:
                raise ValueError("The data is empty: it has no batches.")
        return self._first

    def preview(self) -> Any:
        """Returns data for checks before training: the first batch."""
        return self.first()

    def example(self) -> Any:
        """Returns the specs of the first batch."""
        return jax.tree_util.tree_map(
            lambda x: jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype)),
            self.first(),
        )

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, beginning with number `start` (after `restore`)."""
        count = start
        if self._given is None and not start and self._pending is None:
            self._iterator = None
        empty = False
        while self._given is None or count < self._given:
            batch = self._next()
            if batch is None:
                if self._given is None:
                    break
                if empty or not self._restarts or self._once:
                    raise self._too_short(count)
                empty = True  # a second empty pass would be an infinite loop
                continue
            empty = False
            count += 1
            yield batch
        self.finish_checks()
        if self._given is None:
            self.steps = count
            if count == 0:
                raise ValueError(
                    "The data has no batches in this epoch: a generator can be read only once.\n"
                    "Pass an iterable that can be iterated repeatedly, or `steps_per_epoch`."
                )

    @property
    def _once(self) -> bool:
        """Whether the data can be read only once, as a generator."""
        # Not tested with `iter`: each new iterator of tf.data advances the seed of its shuffling.
        return hasattr(type(self._source), "__next__")

    def _too_short(self, count: int) -> ValueError:
        return ValueError(
            f"The data ended after {quantity(count, 'batch')} of an epoch of {self.steps}.\n"
            "Pass an infinite iterable, or a smaller `steps_per_epoch`."
        )

    def _next(self) -> Any:
        """Returns the next batch, or None at the end of a pass."""
        if self._pending is not None:
            batch, self._pending = self._pending, None
            return batch
        if self._iterator is None:
            self._begin()
        assert self._iterator is not None
        raw = next(self._iterator, _END)
        if raw is _END:
            self._iterator = None
            return None
        self._count += 1
        return self._convert(raw, self._count - 1)

    def _begin(self) -> None:
        self._pass += 1
        self._count = 0
        self._iterator = self._open()

    def _open(self) -> Iterator[Any]:
        """Returns an iterator over pass number `self._pass`."""
        return iter(self._source)

    # ------------------------------------------------------------------------------------ checking

    def _convert(self, raw: Any, number: int) -> Any:
        """Converts a batch to arrays, and checks it."""
        check = self.check
        if check is not None:
            self.finish_checks()  # of the batch before
        is_named = False  # whether an error itself says which batch is wrong
        try:
            batch = self._read(raw)
            signature = tree.signature(batch)
            is_known = signature == self._signature  # as for most batches
            if not is_known:
                is_named = True
                self._check_layout(batch, number)
                is_named = False
            batch = self._prepare(batch, is_known)
            self._signature = signature
            if check is not None:
                self._checked = number
                check(batch, number, is_known)
            return batch
        except (TypeError, ValueError) as error:
            self.rejected = number
            if number and not is_named:
                error.add_note(f"This was batch {number} of the data; the first is 0.")
            raise

    def finish_checks(self) -> None:
        """Raises an error if the values of the last batch are wrong, which is known only now.

        It is called before the next batch is read, and at the end of an epoch. A reader that stops
        earlier calls it itself.
        """
        if self.check is not None:
            try:
                self.check.finish()
            except (TypeError, ValueError):
                self.rejected = self._checked
                raise

    def _check_layout(self, batch: PyTree, number: int) -> None:
        """Raises a ValueError if a batch is empty or not compatible with the first batch."""
        layout = _layout(batch)
        named = _named(batch)
        # Arrays of a batch may differ in their rows: a graph may have nodes and no edges.
        if named and all(leaf.ndim and leaf.shape[0] == 0 for _, leaf in named):
            path, leaf = named[0]
            raise ValueError(
                f"Batch {number} of the data is empty: {path} has the shape {leaf.shape}.\n"
                "Filter out empty batches."
            )
        if self._layout is None:
            self._layout = layout
        difference = _difference(self._layout, layout, number)
        if difference is not None:
            raise ValueError(difference)

    # ------------------------------------------------------------------------------------ resuming

    def state(self) -> dict[str, Any] | None:
        """Returns the position after the last batch that was yielded, as plain data."""
        if self.resumes != "batch":
            return None
        state = {"pass": self._pass, "count": self._count, "over": self._iterator is None}
        if self._pending is not None:
            return {**state, "count": 0, "mark": None}
        return {**state, "mark": None if self._iterator is None else self._position()}

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Restores a position; `batches(epoch, start)` continues from there."""
        if state is None or state["pass"] < 0:
            return
        number, count, position = state["pass"], state["count"], state["mark"]
        if state["over"] or (self._given is None and not start and count):
            number, count, position = number + 1, 0, None
        if count == 0 and number == self._pass and self._pending is not None:
            return
        self._pending = None
        if count == 0 and number > self._pass:
            self._skip_to(number - 1)
            self._iterator = None
            return
        self._seek(number, count, position)

    def _position(self) -> Any:
        """Returns the position in the pass, as plain data."""
        return None

    def _skip_to(self, number: int) -> None:
        """Skips the passes up to a number, without reading them."""
        self._pass = number

    def _seek(self, number: int, count: int, position: Any) -> None:
        """Moves to the position after `count` batches of pass `number`."""
        self._skip_to(number - 1)
        self._begin()
        self._count = count
        if count:
            self._set_position(position)

    def _set_position(self, position: Any) -> None:
        """Restores a position in the current pass."""

    def reseed(self, seed: int) -> None:
        """Sets the seed of the order, before the first epoch; here the iterable has its own."""

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches, if known."""
        return {"kind": describe_class(self._source), "steps": self._given}

    def close(self) -> None:
        """Releases the iterator."""
        self._iterator = self._pending = None


def _named(batch: PyTree) -> list[tuple[str, Any]]:
    parts = [(path, leaf) for path, leaf in tree.flatten_with_path(tuple(batch))]
    return [(_path(path), leaf) for path, leaf in parts if leaf is not None]


def _path(path: tuple[Any, ...]) -> str:
    return ("x", "y", "sample_weight")[path[0]] + "".join(f"[{step!r}]" for step in path[1:])


def _layout(batch: PyTree) -> dict[str, Any]:
    """Returns the spec of each array by its path."""
    return {
        path: jax.ShapeDtypeStruct(leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype))
        for path, leaf in _named(batch)
    }


def _is_compatible(first: Any, other: Any) -> bool:
    """Whether two specs have the same number of axes and dtype, or are both None."""
    if first is None or other is None:
        return first is other
    return bool(first.ndim == other.ndim and first.dtype == other.dtype)


def _difference(first: dict[str, Any], other: dict[str, Any], number: int) -> str | None:
    """Returns a message about the differences of a batch from the first, or None."""
    lines, only_optional, converted = [], True, False
    for path in dict.fromkeys((*first, *other)):
        a, b = first.get(path), other.get(path)
        if not _is_compatible(a, b):
            # An optional input may be missing in some batches; the model knows which are optional.
            only_optional &= path.startswith("x[") and (a is None or b is None)
            kinds = {spec.dtype.kind for spec in (a, b) if spec is not None}
            converted |= kinds in ({"i", "f"}, {"u", "f"})
            lines.append(f"  {path}: expected {_describe_spec(a)}, received {_describe_spec(b)}")
    if only_optional:
        return None
    return (
        f"Batch {number} of the data is not compatible with the first batch, number 0:\n"
        + "\n".join(lines)
        + "\nAll batches must have the same structure, number of axes and dtype."
        + (" Integers beyond 32 bits become float32: convert all batches to it." * converted)
    )


def _describe_spec(spec: Any) -> str:
    return "nothing" if spec is None else f"{spec.dtype} {spec.shape}"
