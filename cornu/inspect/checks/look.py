"""look: all cheap checks, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from cornu.inspect.checks import data, heads, structure, training
from cornu.inspect.checks.report import Finding
from cornu.inspect.checks.view import View

__all__ = ["look"]

_CHECKS = (
    training.check_optimizer,
    heads.check_activations,
    heads.check_heads,
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


def look(view: View) -> Iterator[Finding]:
    """Yields what the cheap checks find: those that neither trace nor run the model."""
    for check in _CHECKS:
        yield from check(view)
