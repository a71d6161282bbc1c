"""The work that a file or text may ask for with numbers in the configs of its ops and layers.

Layers are traced when a model is created. A few bytes of JSON, such as `n` of `diff`, can make that
take any time and memory. What a file asks for is therefore counted before its layers are created,
and compared with the size of its config. Configs that are objects of Python (`from_config`,
`deserialize_keras_object`, `clone_model`) belong to the program, which may ask for anything.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cornu.saving import budget
from cornu.saving.budget import Unit

__all__ = ["check_work"]

_REMEDY = (
    "If you trust the file, create the model in your program and call model.load_weights(path)."
)
# Arguments whose values are objects, but no layers.
_PARTS = ("_initializer", "_regularizer", "_constraint", "_quantizer", "activation", "dtype")


class _Factor(NamedTuple):
    """An argument to which the work of a call is proportional.

    Attributes:
        name: the name of the argument.
        position: the position of the argument in a call of an op.
        default: its size if it is not given.
        axes: the number of axes for which a single number stands.
    """

    name: str
    position: int = 1
    default: float = 1
    axes: int = 1

    def size(self, value: Any) -> float:
        """Returns the factor for a value of the argument."""
        numbers = list(_numbers(value))
        size = math.prod(max(1.0, abs(number)) for number in numbers)
        return size**self.axes if len(numbers) == 1 else size


class _Sections(_Factor):
    """The number of parts, or the positions between them."""

    def size(self, value: Any) -> float:
        """Returns the number of parts."""
        numbers = list(_numbers(value))
        return abs(numbers[0]) if len(numbers) == 1 else float(len(numbers))


class _Largest(_Factor):
    """The largest number, for arguments that say something of each axis."""

    def size(self, value: Any) -> float:
        """Returns the largest number."""
        return max(map(abs, _numbers(value)), default=1.0)


class _Work(NamedTuple):
    """The work of a call.

    Attributes:
        unit: what is counted.
        factors: the arguments by which it is multiplied.
        each: the work if all of them are 1.
        unless: name, position and default of an argument; the work is 0 if it has the default.
    """

    unit: Unit
    factors: tuple[_Factor, ...]
    each: float = 1
    unless: tuple[str, int, Any] | None = None


_SPLIT = _Work("traced operations", (_Sections("indices_or_sections"),))
_FRAMES = _Work("numbers in memory", (_Factor("sequence_length"),), each=4)
_TRANSFORMS = _Work("numbers in memory", (_Factor("fft_length", 3),), each=4)

# By the name of the class or op in a config, in lower case and without underscores: Keras has a
# class for each op, such as `ArraySplit` for `array_split`.
_TABLE: dict[str, tuple[_Work, ...]] = {
    "diff": (_Work("traced operations", (_Factor("n"),)),),
    "arraysplit": (_SPLIT,),
    "split": (_SPLIT,),
    "hsplit": (_SPLIT,),
    "vsplit": (_SPLIT,),
    "dsplit": (_SPLIT,),
    "unfold": (_Work("traced operations", (_Factor("kernel_size", axes=2),)),),
    # Reflections that are longer than the array are made of many pieces.
    "pad": (
        _Work("traced operations", (_Largest("pad_width"),), 0.1, unless=("mode", 2, "constant")),
    ),
    "stft": (_FRAMES, _TRANSFORMS),
    "istft": (_FRAMES, _TRANSFORMS),
    "extractsequences": (_FRAMES,),
    **{
        f"adaptive{kind}{suffix}": (_Work("numbers in memory", (_Largest("output_size"),), 16),)
        for kind in ("average", "max")
        for suffix in ("pool", "pooling1d", "pooling2d", "pooling3d")
    },
    "melspectrogram": (
        _Work(
            "numbers in memory",
            (_Factor("fft_length", default=2048), _Factor("num_mel_bins", default=128)),
        ),
    ),
    "augmix": (
        _Work(
            "traced operations",
            (_Factor("num_chains", default=3), _Factor("chain_depth", default=3)),
            each=10,
        ),
    ),
    "randaugment": (_Work("traced operations", (_Factor("num_ops", default=2),), each=50),),
    # More tiles than pixels need padding by many reflections.
    "contrastlimitedadaptivehistogramequalization": (
        _Work("traced operations", (_Largest("tile_grid_size"),)),
    ),
    **{
        f"{kind}lookup": (_Work("numbers in memory", (_Factor("num_oov_indices"),), each=8),)
        for kind in ("integer", "string")
    },
    "spectralnormalization": (_Work("traced operations", (_Factor("power_iterations"),), each=10),),
}


def check_work(config: Any, nbytes: int, name: str, remedy: str = _REMEDY) -> None:
    """Raises a ValueError if a config asks for more work than its size justifies.

    Args:
        config: the config of a model, from JSON.
        nbytes: the size of the JSON.
        name: the file, as messages show it.
        remedy: what to do with a file that is trusted.
    """
    totals: Counter[Unit] = Counter()
    for key, entry in _entries(config):
        class_name = str(entry["class_name"])
        if not (class_name.startswith("__") or key.endswith(_PARTS)):
            totals["layers"] += 1
            budget.check("layers", totals["layers"], nbytes, name, remedy=remedy)
        for work in _work_of(entry):
            for args, arguments in _calls(entry):
                # Floats, because numbers in JSON may have any number of digits.
                totals[work.unit] += _amount(work, args, arguments)  # type: ignore[assignment]
                listed = " and ".join(factor.name for factor in work.factors)
                detail = f"with {listed} of {class_name[:80]!r}, its layers"
                budget.check(work.unit, totals[work.unit], nbytes, name, detail, remedy)


def _entries(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the configs of all objects, in any depth, each with the key that leads to it."""
    pending = [("", config)]
    while pending:
        key, item = pending.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield key, item
            pending.extend(item.items())
        elif isinstance(item, list):
            pending.extend((key, inner) for inner in item)


def _work_of(entry: dict[str, Any]) -> tuple[_Work, ...]:
    for name in (entry["class_name"], entry.get("registered_name")):
        if isinstance(name, str):
            plain = name.rpartition(">")[2].rpartition(".")[2].replace("_", "").lower()
            if plain in _TABLE:
                return _TABLE[plain]
    return ()


def _calls(entry: dict[str, Any]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Yields the arguments of an object for each of its calls: by position, and by name."""
    config = entry.get("config")
    named = config if isinstance(config, dict) else {}
    nodes = entry.get("inbound_nodes") or [{}]
    for node in nodes if isinstance(nodes, list) else [nodes]:
        call = node if isinstance(node, dict) else {}
        args, kwargs = call.get("args"), call.get("kwargs")
        yield (
            args if isinstance(args, list) else [],
            {**named, **(kwargs if isinstance(kwargs, dict) else {})},
        )


def _amount(work: _Work, args: list[Any], arguments: Mapping[str, Any]) -> float:
    if work.unless is not None:
        name, position, value = work.unless
        if arguments.get(name, args[position] if position < len(args) else value) == value:
            return 0.0
    amount = float(work.each)
    for factor in work.factors:
        if factor.name in arguments:
            amount *= factor.size(arguments[factor.name])
        elif factor.position < len(args):
            amount *= factor.size(args[factor.position])
        else:
            amount *= factor.default
    return amount


def _numbers(value: Any) -> Iterator[float]:
    """Yields the numbers in a value, in any depth."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            # Integers in JSON may have any number of digits.
            yield float(item) if abs(item) < 1 << 60 else math.inf
