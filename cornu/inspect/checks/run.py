"""look: all cheap checks, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from cornu.inspect.checks import data, outputs, structure, training
from cornu.inspect.checks.context import CheckContext
from cornu.inspect.checks.report import Finding

__all__ = ["run_checks"]

_CHECKS = (
    training.check_optimizer,
    outputs.check_activations,
    outputs.check_heads,
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
)


def run_checks(view: CheckContext) -> Iterator[Finding]:
    """Yields what the cheap checks find: those that neither trace nor run the model."""
    for check in _CHECKS:
        yield from check(view)
