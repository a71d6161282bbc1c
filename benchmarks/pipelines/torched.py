"""The pipelines of torch's DataLoader, without and with worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from benchmarks.pipelines import files
from benchmarks.pipelines.samples import SAMPLES

__all__ = ["PIPELINES", "pipelines"]


def _stack(samples: Any) -> Any:
    return torch.from_numpy(samples if isinstance(samples, np.ndarray) else np.stack(samples))


def _loader(name: str, workers: int, folder: Path) -> Callable[[], Iterable[Any]]:
    samples = SAMPLES[name](folder)
    size = getattr(samples, "batch", files.BATCH)
    torch.set_num_threads(2)
    loader = DataLoader(samples, size, num_workers=workers, collate_fn=_stack)
    return lambda: (batch.numpy() for batch in loader)


def pipelines(workers: int) -> dict[str, Callable[[Path], Callable[[], Iterable[Any]]]]:
    """Returns the pipelines with a number of worker processes."""
    return {
        name: lambda folder, name=name: _loader(name, workers, folder)  # type: ignore[misc]
        for name in SAMPLES
    }


PIPELINES = pipelines(0)
