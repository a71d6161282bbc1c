"""The pipelines of Grain, in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import grain

from benchmarks.pipelines import files
from benchmarks.pipelines.samples import SAMPLES

__all__ = ["PIPELINES"]


class _Batches:
    """Batches of rows as a source with random access."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return -(-len(self._rows) // self._rows.batch)

    def __getitem__(self, index: int) -> Any:
        size = self._rows.batch
        stop = min((index + 1) * size, len(self._rows))
        return self._rows.__getitems__(list(range(index * size, stop)))


def _dataset(name: str, folder: Path) -> Callable[[], Iterable[Any]]:
    samples = SAMPLES[name](folder)
    if hasattr(samples, "batch"):
        data = grain.MapDataset.source(_Batches(samples))
    else:
        data = grain.MapDataset.source(samples).batch(files.BATCH)
    options = grain.ReadOptions(num_threads=2, prefetch_buffer_size=8)
    return lambda: data.to_iter_dataset(options)


PIPELINES: dict[str, Callable[[Path], Callable[[], Iterable[Any]]]] = {
    name: lambda folder, name=name: _dataset(name, folder)  # type: ignore[misc]
    for name in SAMPLES
}
