"""The arguments that every optimizer takes beside its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any, TypedDict, TypeVar

from cornu.optimizers.base import SHARED_DEFAULTS

__all__ = ["SharedArguments", "accept_shared_arguments"]

Init = TypeVar("Init", bound=Callable[..., None])


class SharedArguments(TypedDict, total=False):
    """What `**shared: Unpack[Shared]` in a constructor stands for (see `Optimizer`)."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


def accept_shared_arguments(init: Init) -> Init:
    """Lets a constructor with `**shared` take the shared arguments by name and position.

    They stand behind the constructor's positional arguments and before its keyword-only ones,
    which can be given by position too then. One that the constructor has itself is left out.
    """
    own = list(inspect.signature(init).parameters.values())
    first = [p for p in own if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
    last = [p for p in own if p.kind is Parameter.KEYWORD_ONLY]
    taken = {p.name for p in own}
    shared = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default)
        for name, default in SHARED_DEFAULTS.items()
        if name not in taken
    ]
    plain = [p.replace(kind=Parameter.POSITIONAL_OR_KEYWORD) for p in (*first, *shared, *last)]
    signature = inspect.Signature([*plain, Parameter("kwargs", Parameter.VAR_KEYWORD)])

    @functools.wraps(init)
    def call(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments
        unknown = given.pop("kwargs", {})
        init(**given, **unknown)

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]
