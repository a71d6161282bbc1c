"""Resets the global state of the process."""

from __future__ import annotations

import gc

from cornu import names, settings
from cornu.core.graph import call_stack

__all__ = ["clear_session"]


def clear_session(free_memory: bool = True) -> None:
    """Resets the global state: counters of layer names, dtype policy, logging.

    Args:
        free_memory: whether to run the garbage collector, which frees the memory of models that
            are no longer referenced.

    Example:

    >>> import cornu
    >>> cornu.utils.clear_session()
    >>> cornu.layers.Dense(1).name, cornu.layers.Dense(1).name
    ('dense', 'dense_1')
    >>> cornu.utils.clear_session()
    >>> cornu.layers.Dense(1).name
    'dense'

    Note: there is no global list of models, so that a loop that creates many models does not
    need to call this function.
    """
    names.reset()
    call_stack.release_frames()
    settings.reset("dtype_policy", "interactive_logging", "traceback_filtering")
    if free_memory:
        gc.collect()
