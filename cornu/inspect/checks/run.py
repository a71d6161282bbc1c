"""Runs all checks that neither trace nor run the model."""

from __future__ import annotations

from collections.abc import Iterator

from cornu.inspect.checks import data, devices, outputs, structure, training
from cornu.inspect.checks.context import CheckContext
from cornu.inspect.checks.report import Finding

__all__ = ["run_checks"]

_CHECKS = (
    training.check_optimizer,
    outputs.check_activations,
    outputs.check_final_activations,
    training.check_metrics,
    data.check_inputs,
    data.check_targets,
    data.check_weights,
    data.check_validation,
    structure.check_masks,
    structure.check_normalization,
    structure.check_outputs,
    structure.check_paths,
    structure.check_names,
    devices.check_devices,
)


def run_checks(context: CheckContext) -> Iterator[Finding]:
    """Yields the findings of all checks that neither trace nor run the model."""
    for check in _CHECKS:
        yield from check(context)
