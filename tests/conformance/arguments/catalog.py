"""Everything that is compared with Keras over combinations of its arguments."""

from __future__ import annotations

import functools

from tests.conformance.arguments import layers, ops, others
from tests.conformance.arguments.subject import Subject


@functools.cache
def subjects() -> tuple[Subject, ...]:
    """Returns all subjects, by kind."""
    return (*layers.subjects(), *ops.subjects(), *others.subjects())
