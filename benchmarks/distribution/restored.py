"""Saves or restores a model that may be divided among processes; run by `cornu launch`.

Run as `restored.py save FOLDER`, or `restored.py load FOLDER RESULTS`. Each process then writes
`RESULTS/INDEX.json`: the bytes that it read from divided arrays, those of whole arrays on the host,
and the losses of further training.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import numpy as np

import cornu
from benchmarks.distribution.models import mlp
from cornu.saving.formats.orbax import OrbaxCheckpointReader

__all__ = ["load", "save"]

_EVENT = "/jax/orbax/read/worker/io/requested/gbytes"


def save(folder: str | Path) -> None:
    """Trains a model for an epoch, and saves it."""
    cornu.utils.set_random_seed(3)
    model, x, y, loss = mlp(256)
    model.compile(cornu.optimizers.Adam(1e-3, epsilon=1e-3), loss)
    saved = cornu.callbacks.OrbaxCheckpoint(folder)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[saved])


def load(folder: str | Path) -> dict[str, Any]:
    """Restores the model, and trains it for two epochs."""
    cornu.utils.set_random_seed(3)
    _, x, y, _ = mlp(256)
    read: list[float] = []
    whole: list[int] = []
    original = OrbaxCheckpointReader.read

    def record(event: str, value: float, **_: object) -> None:
        if event == _EVENT:
            read.append(value * 2**30)

    def read_whole(reader: OrbaxCheckpointReader, key: str, /) -> np.ndarray:
        found = original(reader, key)
        whole.append(found.nbytes)
        return found

    jax.monitoring.register_scalar_listener(record)
    with mock.patch.object(OrbaxCheckpointReader, "read", read_whole):
        model = cornu.saving.load_model(folder)
    jax.monitoring.unregister_scalar_listener(record)
    state = sum(v.value.nbytes for v in (*model.weights, *model.optimizer.variables))
    losses = model.fit(x, y, epochs=2, shuffle=False, verbose=0).history["loss"]
    return {"state": state, "read": sum(read), "whole": sum(whole), "losses": losses}


if __name__ == "__main__":
    if sys.argv[1] == "save":
        save(sys.argv[2])
    else:
        results = Path(sys.argv[3], f"{jax.process_index()}.json")
        results.write_text(json.dumps(load(sys.argv[2])))
