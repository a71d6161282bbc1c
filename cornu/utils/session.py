"""What the process remembers between models, and how to make it forget."""

from __future__ import annotations

import gc

from cornu import names, settings
from cornu.core.graph import call_stack

__all__ = ["clear_session"]


def clear_session(free_memory: bool = True) -> None:
    """Forgets what was left by the models made so far: name counts, dtype policy, logging.

    Args:
        free_memory: whether to collect garbage at once, so that models that are not referred to
            any more give their memory back now rather than soon.

    Example:

    >>> import cornu
    >>> cornu.utils.clear_session()
    >>> cornu.layers.Dense(1).name, cornu.layers.Dense(1).name
    ('dense', 'dense_1')
    >>> cornu.utils.clear_session()
    >>> cornu.layers.Dense(1).name
    'dense'

    Differences: there is no list of all models that would grow, so that a loop that makes many
    needs no call of this.
    """
    names.reset()
    call_stack.release_frames()
    settings.reset("dtype_policy", "interactive_logging", "traceback_filtering")
    if free_memory:
        gc.collect()
