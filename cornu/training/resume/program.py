"""The program that a saved state belongs to: its layers, optimizer and Variables."""

from __future__ import annotations

from typing import Any

from cornu.core.state.variable import Variable
from cornu.saving.storage_keys import collect_weights_by_key
from cornu.saving.weight_paths import collect_weights_by_path
from cornu.training.trainer import Trainer

__all__ = [
    "check_fields",
    "check_program",
    "compare_programs",
    "describe_program",
    "different_program_error",
    "list_differences",
    "name_variables",
]

_MAX_DIFFERENCES = 8  # listed in an error message


def name_variables(trainer: Trainer) -> dict[str, Variable]:
    """Returns all Variables that training may change, by names that are stable across processes.

    Two processes that run the same program use the same names; automatic layer names, which
    depend on how many layers were created before, are not part of them.
    """
    model: Any = trainer.model
    optimizer = trainer.optimizer
    named = {f"model/{path}": variable for path, variable in collect_weights_by_path(model).items()}
    for i, metric in enumerate(model.metrics):
        named |= {f"metrics/{i}/{k}/{v.name}": v for k, v in enumerate(metric.variables)}
    if optimizer is not None:
        named |= {f"optimizer/{path}": v for path, v in collect_weights_by_key(optimizer).items()}
    known = {id(variable) for variable in named.values()}
    rest = [variable for variable in trainer.touched_variables() if id(variable) not in known]
    return {**named, **{f"others/{i}": variable for i, variable in enumerate(rest)}}


def describe_program(trainer: Trainer, variables: dict[str, Variable]) -> dict[str, Any]:
    """Returns the properties by which a state is recognized as that of another program."""
    return {
        "layers": [type(layer).__name__ for layer in trainer.layers],
        "optimizer": type(trainer.optimizer).__name__,
        "variables": {name: [list(v.shape), v.dtype] for name, v in variables.items()},
    }


def check_fields(data: Any) -> None:
    """Raises an error unless the data of a state has the parts that are read before the others."""
    position, program = data["position"], data["program"]
    numbers = data["numbers"]
    counts = [position["epoch"], position["step"], data["seed"], numbers["epochs_run"]]
    counts += [*numbers["steps"].values(), *data["seeds"].values()]
    counts += [count for pair in numbers["sources"] for count in pair]
    is_valid = (
        all(type(count) is int and 0 <= count < 1 << 63 for count in counts)
        and type(position["ended"]) is bool
        and isinstance(data["data"], dict)
        and isinstance(program["layers"], list)
        and all(
            isinstance(spec[0], list) and isinstance(spec[1], str)
            for spec in program["variables"].values()
        )
        and isinstance(program["optimizer"], str)
    )
    if not is_valid:
        raise ValueError("Its position, data or program is not valid.")


def compare_programs(saved: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """Returns the differences because of which a state cannot be assigned."""
    if saved == current:
        return []
    lines: list[str] = []
    if saved["optimizer"] != current["optimizer"]:
        lines.append(f"optimizer: {current['optimizer']}, saved {saved['optimizer']}")
    for name in dict.fromkeys((*current["variables"], *saved["variables"])):
        mine, other = current["variables"].get(name), saved["variables"].get(name)
        if mine != other:
            lines.append(f"{name}: {_spec(mine)}, saved {_spec(other)}")
    if not lines and saved["layers"] != current["layers"]:
        mine, other = current["layers"], saved["layers"]
        pairs = [*zip(mine, other, strict=False)]
        wrong = [i for i, (a, b) in enumerate(pairs) if a != b] or [len(pairs)]
        at = wrong[0]
        lines.append(
            f"layer {at}: {(*mine, 'missing')[at] if at <= len(mine) else 'missing'}, "
            f"saved {(*other, 'missing')[at] if at <= len(other) else 'missing'}"
        )
    return lines or ["its layers"]


def check_program(saved: dict[str, Any], current: dict[str, Any], folder: str) -> None:
    """Raises a ValueError that lists the differences if a state is that of another program."""
    lines = compare_programs(saved, current)
    if lines:
        raise different_program_error(lines, folder)


def different_program_error(lines: list[str], folder: str) -> ValueError:
    return ValueError(
        f"The state in {folder!r} was saved by a different program; it was not changed:"
        f"{list_differences(lines)}\n"
        "Use another folder, or delete this one to start training from the beginning."
    )


def list_differences(lines: list[str]) -> str:
    more = [f"and {len(lines) - _MAX_DIFFERENCES} more"] if len(lines) > _MAX_DIFFERENCES else []
    return "".join(f"\n  {line}" for line in lines[:_MAX_DIFFERENCES] + more)


def _spec(spec: Any) -> str:
    return "missing" if spec is None else f"{tuple(spec[0])} {spec[1]}"
