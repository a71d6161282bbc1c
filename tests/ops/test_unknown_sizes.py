"""Symbolic shapes with unknown sizes agree with the shapes of arrays, and claim no more."""

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.core.graph.tensor import Tensor
from tests.ops.cases import CASES, Case
from tests.ops.test_cases import EAGER

# What depends on an unknown size and not only on the sizes of the result: the number of results,
# and the number of axes (an unknown size counts as one that is not 1, as in Keras).
UNDECIDED = {"unstack", "squeeze"}
# The themes are those of `cases.py`; these ops run always, all others in `make test-slow`.
OFTEN = {"add", "matmul", "einsum", "tensordot", "dot", "diagonal", "diag", "cdist", "in_top_k"}

Place = tuple[int, int]  # the position of an array among the arguments, and an axis


class Question(NamedTuple):
    """A call in which some of the axes of one size are unknown."""

    case: Case
    size: int
    places: tuple[Place, ...]
    every: bool  # whether all axes of this size are unknown
    shapes: list[tuple[int, ...]] | None  # of the case itself

    def ask(self) -> str | None:
        """Returns what is wrong with the symbolic shapes."""
        found = (self.shapes, self._run(2), self._run(5))
        runs = [shapes for shapes in found if shapes is not None]
        if len(runs) < (3 if self.every else 1):
            return None  # other axes depend on the size
        try:
            symbolic = self._infer()
        except Exception as error:
            return f"{self}: refused, {str(error).splitlines()[0]}"
        for run in runs:
            agree = len(run) == len(symbolic) and all(
                len(a) == len(b) and all(m in (None, n) for m, n in zip(a, b, strict=True))
                for a, b in zip(symbolic, run, strict=True)
            )
            if not agree:
                return f"{self}: {symbolic}, with arrays {run}"
        return None

    def _run(self, more: int) -> list[tuple[int, ...]] | None:
        """Returns the shapes with arrays whose unknown sizes are larger by a number."""
        leaves, definition = _arguments(self.case)
        for position, axis in self.places:
            taken = np.arange(self.size + more) % self.size
            leaves[position] = np.take(leaves[position], taken, axis=axis)
        return _shapes(self.case, leaves, definition)

    def _infer(self) -> list[tuple[int | None, ...]]:
        leaves, definition = _arguments(self.case)
        for position, x in enumerate(leaves):
            if isinstance(x, np.ndarray) and x.ndim:
                shape = [None if (position, a) in self.places else n for a, n in enumerate(x.shape)]
                leaves[position] = Tensor(tuple(shape), x.dtype)
        return [t.shape for t in jax.tree_util.tree_leaves(_call(self.case, leaves, definition))]

    def __str__(self) -> str:
        return f"{self.case.title} with unknown {self.places}"


def _arguments(case: Case) -> tuple[list[Any], Any]:
    return jax.tree_util.tree_flatten((case.args, case.kwargs))


def _call(case: Case, leaves: list[Any], definition: Any) -> Any:
    args, kwargs = jax.tree_util.tree_unflatten(definition, leaves)
    return operator.attrgetter(case.name)(ops)(*args, **kwargs)


def _shapes(case: Case, leaves: list[Any], definition: Any) -> list[tuple[int, ...]] | None:
    """Returns the shapes of the results with these arrays; None if they are refused."""
    arrays = {i: x for i, x in enumerate(leaves) if isinstance(x, np.ndarray)}
    try:
        out = jax.eval_shape(
            lambda xs: _call(case, [xs.get(i, x) for i, x in enumerate(leaves)], definition),
            arrays,
        )
    except Exception:
        return None
    return [x.shape for x in jax.tree_util.tree_leaves(out)]


def questions(cases: list[Case]) -> Iterator[Question]:
    """Yields each choice of unknown axes among those of one size, for each case."""
    for case in cases:
        if {case.name, case.title} & EAGER or case.name in UNDECIDED:
            continue
        leaves, definition = _arguments(case)
        shapes = _shapes(case, leaves, definition)
        axes: dict[int, list[Place]] = {}
        for i, x in enumerate(leaves):
            if isinstance(x, np.ndarray):
                for axis, size in enumerate(x.shape):
                    axes.setdefault(size, []).append((i, axis))
        for size, places in axes.items():
            sizes = range(1 if len(places) <= 4 else len(places), len(places) + 1)
            for chosen in itertools.chain.from_iterable(
                itertools.combinations(places, n) for n in sizes
            ):
                yield Question(case, size, chosen, len(chosen) == len(places), shapes)


def check(cases: list[Case]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = [text for question in questions(cases) if (text := question.ask())]
    assert not wrong, "\n".join(wrong)


def test_unknown_sizes_that_meet_known_ones() -> None:
    seen: Collection[Case] = {case.name: case for case in reversed(CASES)}.values()
    check([case for case in seen if case.name in OFTEN])


@pytest.mark.slow
@pytest.mark.parametrize("theme", dict.fromkeys(case.theme for case in CASES))
def test_unknown_sizes_of_every_op(theme: str) -> None:
    check([case for case in CASES if case.theme == theme])


def test_shapes_of_a_graph() -> None:
    batch, fixed = cornu.Input((3,)), Tensor((8, 3), "float32")
    assert ops.add(batch, fixed).shape == (8, 3)
    assert ops.diagonal(batch).shape == (None,)
    assert ops.diag(batch).shape == (None,)
    assert ops.matmul(Tensor((4, None), "float32"), fixed).shape == (4, 3)
    assert ops.tensordot(batch, Tensor((3, 5), "float32"), 1).shape == (None, 5)
    assert ops.einsum("ab,bc->ac", Tensor((None, None), "float32"), fixed).shape == (None, 3)
    with pytest.raises(ValueError, match="matmul"):
        ops.matmul(batch, Tensor((5, None), "float32"))


def test_arguments_determine_unknown_sizes():
    assert ops.broadcast_to(Tensor((None, 1)), (5, 3)).shape == (5, 3)
    assert ops.broadcast_to(Tensor((None, 3)), (5, 3)).shape == (5, 3)
    assert [part.shape for part in ops.unstack(Tensor((None, 3)), num=2)] == [(3,), (3,)]
    with pytest.raises(ValueError, match="broadcast"):
        ops.broadcast_to(Tensor((None, 4)), (5, 3))


# Calls whose results have a shape that depends on values.
OF_VALUES = {
    "bincount": lambda x: ops.bincount(x),
    "bincount of rows": lambda x: ops.bincount(ops.reshape(x, (1, -1)), minlength=3),
    "nonzero": lambda x: ops.nonzero(x),
    "where": lambda x: ops.where(x > 0),
    "unique": lambda x: ops.unique(x),
    "repeat": lambda x: ops.repeat([1, 2], x),
    "segment_sum": lambda x: ops.segment_sum(x, x),
    "segment_max": lambda x: ops.segment_max(x, x),
    "segment_min": lambda x: ops.segment_min(x, x),
    "segment_prod": lambda x: ops.segment_prod(x, x),
    "arange": lambda x: ops.arange(ops.sum(x)),
    "linspace": lambda x: ops.linspace(0, 1, ops.sum(x)),
    "logspace": lambda x: ops.logspace(0, 1, ops.sum(x)),
    "one_hot": lambda x: ops.one_hot(x, ops.sum(x)),
}


@pytest.mark.parametrize("name", OF_VALUES)
def test_shapes_that_depend_on_values_are_rejected_with_a_remedy(name):
    call = OF_VALUES[name]
    for wrong in (lambda: call(Tensor((2,), "int32")), lambda: jax.jit(call)(jnp.ones(2, int))):
        with pytest.raises(TypeError, match="(?s)shape of the result depends on.*(Use|Pass|use) "):
            wrong()
    if name not in ("linspace", "logspace", "one_hot"):  # these take an int
        call(np.ones(2, "int32"))
