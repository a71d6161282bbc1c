"""`keras.json`: the file with the settings of all programs of Keras 1 and 2."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cornu import backend
from cornu.core.tracebacks.user_frames import user_stacklevel

__all__ = ["apply_settings"]

_SHARED: Mapping[str, Callable[[Any], None]] = {
    "epsilon": backend.set_epsilon,
    "floatx": backend.set_floatx,
}


def apply_settings(setters: Mapping[str, Callable[[Any], None]]) -> None:
    """Applies the settings of `$KERAS_HOME/keras.json` or `~/.keras/keras.json`.

    `backend` and other settings are ignored, and so is a file that does not exist.

    Args:
        setters: a function for each setting of the version, in addition to `epsilon` and `floatx`.

    Raises:
        ValueError: the file has an invalid value.
    """
    folder = Path(os.environ.get("KERAS_HOME") or Path("~", ".keras")).expanduser()
    path = folder / "keras.json"
    if not path.is_file():
        return
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        warnings.warn(f"{path} is ignored, because it is not JSON.", stacklevel=user_stacklevel())
        return
    if not isinstance(settings, dict):
        raise ValueError(f"{path}: expected a dict. Received: {settings!r}")
    for name, setter in {**_SHARED, **setters}.items():
        if name in settings:
            try:
                setter(settings[name])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}: {name} is invalid: {error}") from error
