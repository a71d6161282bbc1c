"""The state of an optimizer of Optax, into an optimizer of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cornu import optimizers
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.export.weights.assigning import check_built, check_complete
from cornu.export.weights.flax_layouts import FLAX
from cornu.export.weights.matching import Names, find_units, match_modules
from cornu.export.weights.report import WeightReport
from cornu.export.weights.trees import flatten, normalize_key, open_tree, relabel
from cornu.optimizers.wrappers.optax import OptaxOptimizer

__all__ = ["load_optax"]

Convert = Callable[[np.ndarray, np.ndarray], np.ndarray]


class _Slot(NamedTuple):
    """An array that an optimizer keeps for each weight.

    Attributes:
        name: its name in the optimizer.
        convert: returns it from that of Optax and the learning rate.
    """

    name: str
    convert: Convert = lambda array, rate: array


def _times_rate(array: np.ndarray, rate: np.ndarray) -> np.ndarray:
    # Optax applies the learning rate after the momentum.
    return np.asarray(-rate * array)


def _negative(array: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return -array


_MU = _Slot("momentum")
_ADAM = {"mu": _MU, "nu": _Slot("velocity")}
# The fields of states of Optax, and what they are in an optimizer.
_SLOTS: dict[type, dict[str, _Slot]] = {
    optimizers.Adam: _ADAM,
    optimizers.AdamW: _ADAM,
    optimizers.Adamax: {"mu": _MU, "nu": _Slot("norm")},
    optimizers.Lion: {"mu": _MU},
    optimizers.SGD: {"trace": _Slot("momentum", _times_rate)},
    optimizers.RMSprop: {
        "nu": _Slot("velocity"),
        "mu": _Slot("average_gradient"),
        "trace": _Slot("momentum", _negative),
    },
    optimizers.Adagrad: {"sum_of_squares": _Slot("accumulator")},
    optimizers.Adadelta: {
        "e_g": _Slot("accumulated_grad"),
        "e_x": _Slot("accumulated_delta_var"),
    },
}
_COUNT, _HYPERPARAMETERS, _RATE = "count", "hyperparams", "learning_rate"

_STATE = "opt_state"  # of a TrainState

_Path = tuple[str, ...]


@api_boundary
def load_optax(
    model: Any, source: Any, names: Names | None = None, *, strict: bool = True
) -> WeightReport:
    """Assigns the state of an optimizer of Optax to the optimizer of a model.

    The arrays for each weight have the tree of the parameters, and are matched and converted as by
    `load_flax`. The optimizer is the one of Optax itself, or that of cornu with the same formula:

    | optimizer | state of |
    | --- | --- |
    | Adam, AdamW | `optax.adam`, `optax.adamw` |
    | Adamax, Lion | `optax.adamax`, `optax.lion` |
    | SGD | `optax.sgd` with momentum, which is multiplied by the learning rate |
    | RMSprop, Adagrad, Adadelta | `optax.rmsprop`, `optax.adagrad`, `optax.adadelta` |

    The number of steps becomes `optimizer.iterations`, and a learning rate in the state (of
    `optax.inject_hyperparams`) that of the optimizer. Arguments such as decay rates are not part
    of a state; pass the same ones. Keras adds epsilon elsewhere than Optax: with Adam, the steps
    differ by about `epsilon`, relative to the root of the average of squares.

    Args:
        model: the model, built and compiled.
        source: the state, a `TrainState`, or the path of a checkpoint that Orbax wrote of one of
            these.
        names: the name of the module of each layer, as in `load_flax`.
        strict: whether layers and keys that are left out raise an error.

    Returns:
        The report, which prints as a table.

    Raises:
        ValueError: a layer has no state, or a key was not taken; the message has the report.
        NotImplementedError: no state of Optax is that of this optimizer.

    Example:

    >>> import cornu, optax, numpy as np
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="fc")])
    >>> model.compile("adam", "mse")
    >>> params = {"Dense_0": {"kernel": np.ones((3, 2)), "bias": np.zeros(2)}}
    >>> report = cornu.export.load_optax(model, optax.adam(1e-3).init(params))
    >>> print(report)
    layer  module   class  matched by  note
    fc     Dense_0  Dense  order       mu, nu
    """
    check_built(model)
    optimizer = model.optimizer
    if optimizer is None:
        raise ValueError(
            f"Model {model.name!r} has no optimizer.\nCall model.compile(optimizer, loss) first."
        )
    if isinstance(optimizer, optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    state = _State(model, names, source)
    if isinstance(optimizer, OptaxOptimizer):
        values = _values_of_optax(optimizer, state)
    else:
        values = _values_of_slots(optimizer, state)
    report = state.report()
    check_complete(f"optimizer {optimizer.name!r}", report, FLAX, strict)
    for variable, value in values:
        variable.assign(value)
    return report


class _State:
    """The state of an optimizer of Optax, of which parts are taken.

    Args:
        model: the model.
        names: the modules that the user chose.
        source: the state, as the user passed it.
    """

    def __init__(self, model: Any, names: Names | None, source: Any) -> None:
        tree = open_tree(source)
        tree = tree.get(_STATE, tree) if isinstance(tree, Mapping) else getattr(tree, _STATE, tree)
        self.parts: dict[_Path, np.ndarray] = {tuple(p): array for p, array in flatten(tree)}
        self._model, self._names = model, names
        self._trained = set(model.trainable_variables)
        self._frozen = {
            unit.path
            for unit in find_units(model, FLAX)
            if self._trained.isdisjoint(unit.layer.weights)
        }
        self._reports: dict[str, WeightReport] = {}
        self.missing: dict[str, str] = {}

    def take(self, path: _Path) -> np.ndarray | None:
        """Returns a number; None if the state does not have it."""
        return self.parts.pop(path, None)

    def take_tree(self, base: _Path) -> list[tuple[Variable, np.ndarray]]:
        """Returns the arrays of a tree of parameters with the weights that they belong to."""
        arrays, labels = {}, {}
        for path in [p for p in self.parts if p[: len(base)] == base]:
            key = normalize_key(path[len(base) :])
            arrays[key], labels[key] = self.parts.pop(path), "/".join(path)
        found, report = match_modules(
            self._model, arrays, self._names, FLAX, is_ordered=False, has_statistics=False
        )
        report.unused = relabel(report.unused, labels)
        self._reports[base[-1]] = report
        return [
            (variable, array)
            for assignment in found
            for variable, array in zip(assignment.layer.weights, assignment.read(), strict=True)
            if variable in self._trained
        ]

    def report(self) -> WeightReport:
        """Returns what was matched in all trees, and what was left."""
        fields = ", ".join(self._reports)
        found = WeightReport(missing=dict(self.missing))
        for field, report in self._reports.items():
            found.matches = [replace(match, note=fields) for match in report.matches]
            found.missing |= {
                path: f"{field}: {reason}"
                for path, reason in report.missing.items()
                if path not in self._frozen
            }
            found.unused |= report.unused
        for path, array in self.parts.items():
            found.unused["/".join(path)] = f"the optimizer has no such array; shape {array.shape}"
        return found


def _values_of_slots(optimizer: Any, state: _State) -> list[tuple[Variable, np.ndarray]]:
    """Returns the new values of an optimizer of cornu."""
    if type(optimizer) not in _SLOTS:
        known = ", ".join(sorted(cls.__name__ for cls in _SLOTS))
        raise NotImplementedError(
            f"No state of Optax is that of {type(optimizer).__name__}. Known: {known}.\n"
            "Compile the model with the transformation of Optax itself to continue with its state."
        )
    values: list[tuple[Variable, np.ndarray]] = []
    rate = np.asarray(optimizer.learning_rate)
    for path in [path for path in state.parts if _HYPERPARAMETERS in path]:
        value = state.parts.pop(path)
        if path[-1] == _RATE:
            rate = value
            values.append((optimizer.learning_rate, value))
    counts = [state.parts.pop(p) for p in [p for p in state.parts if p[-1:] == (_COUNT,)]]
    if any(array.ndim or array.dtype.kind not in "iu" for array in counts):
        raise ValueError(f"The number of steps must be an integer. Received: {counts}")
    steps = set(map(int, counts))
    if len(steps) > 1:
        raise ValueError(f"The state has several numbers of steps: {sorted(steps)}.")
    for count in steps:
        made = count * (optimizer.gradient_accumulation_steps or 1)
        values.append((optimizer._iterations, np.asarray(made)))
    slots = _SLOTS[type(optimizer)]
    bases = _find_bases(state, slots)
    own = {v: optimizer._slots_of_(v) for v in optimizer._indices_}
    for field, slot in slots.items():
        if not any(slot.name in arrays for arrays in own.values()):
            continue  # such as the momentum of SGD without momentum
        if field not in bases:
            state.missing[slot.name] = f"the state has no {field!r}"
            continue
        for variable, array in state.take_tree(bases[field]):
            values.append((own[variable][slot.name], slot.convert(array, rate)))
    return values


def _find_bases(state: _State, fields: Iterable[str]) -> dict[str, _Path]:
    """Returns the paths of fields of the state."""
    found: dict[str, _Path] = {}
    for path in state.parts:
        for index, name in enumerate(path):
            if name in fields:
                base = path[: index + 1]
                if found.setdefault(name, base) != base:
                    places = f"{'/'.join(found[name])!r} and {'/'.join(base)!r}"
                    raise ValueError(
                        f"The state has two arrays {name!r} for each weight: {places}."
                    )
                break
    return found


def _values_of_optax(optimizer: OptaxOptimizer, state: _State) -> list[tuple[Variable, np.ndarray]]:
    """Returns the new values of an optimizer of Optax itself."""
    values: list[tuple[Variable, np.ndarray]] = []
    trees: dict[_Path, dict[Variable, Variable]] = {}
    for path, own, reference in optimizer._state_by_path_():
        if reference is not None:
            trees.setdefault(path[:-1], {})[reference] = own
        elif (value := state.take(path)) is None:
            state.missing["/".join(path)] = "the state has no such number"
        else:
            values.append((own, value))
    for base, variables in trees.items():
        values += [(variables[variable], array) for variable, array in state.take_tree(base)]
    return values
