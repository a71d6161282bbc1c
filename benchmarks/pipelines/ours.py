"""The pipelines of cornu."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

import cornu
from benchmarks.pipelines import files
from benchmarks.pipelines.features import feature_space, table_to_adapt
from cornu import layers

__all__ = ["PIPELINES"]

_OPTIONS = {"label_mode": None, "shuffle": False, "batch_size": files.BATCH, "verbose": False}


def _images(folder: Path) -> Callable[[], Iterable[Any]]:
    read = cornu.utils.image_dataset_from_directory
    data = read(folder / "images", image_size=files.IMAGE, **_OPTIONS)
    return lambda: data


def _flipped_images(folder: Path) -> Callable[[], Iterable[Any]]:
    flip = layers.RandomFlip("horizontal")
    data = _images(folder)().map(lambda x: np.asarray(flip(x, training=True)))
    return lambda: data


def _texts(folder: Path) -> Callable[[], Iterable[Any]]:
    data = cornu.utils.text_dataset_from_directory(folder / "texts", **_OPTIONS)
    vectorize = layers.TextVectorization(
        vocabulary=files.VOCABULARY, output_sequence_length=files.TEXT_LENGTH
    )
    mapped = data.map(lambda x: np.asarray(vectorize(x)))
    return lambda: mapped


def _sounds(folder: Path) -> Callable[[], Iterable[Any]]:
    read = cornu.utils.audio_dataset_from_directory
    data = read(folder / "sounds", output_sequence_length=files.SAMPLES, **_OPTIONS)
    spectrogram = layers.STFTSpectrogram(
        "magnitude", files.FRAME, files.STEP, files.FRAME, periodic=True, scaling=None
    )
    mapped = data.map(lambda x: np.asarray(spectrogram(x)))
    return lambda: mapped


class _Table(cornu.utils.PyDataset):
    """Rows of a CSV file, which a FeatureSpace converts."""

    def __init__(self, path: Path) -> None:
        import pandas

        super().__init__()
        frame = pandas.read_csv(path)
        self._columns = {name: frame[name].to_numpy() for name in frame}
        self._space = feature_space(cornu)
        self._space.adapt(table_to_adapt())

    def __len__(self) -> int:
        return -(-len(self._columns["age"]) // files.ROWS)

    def __getitem__(self, index: int) -> Any:
        rows = slice(index * files.ROWS, (index + 1) * files.ROWS)
        return np.asarray(self._space({k: v[rows] for k, v in self._columns.items()}))


def _table(folder: Path) -> Callable[[], Iterable[Any]]:
    table = _Table(folder / "table.csv")
    return lambda: (table[index] for index in range(len(table)))


PIPELINES: dict[str, Callable[[Path], Callable[[], Iterable[Any]]]] = {
    "images": _images,
    "flips": _flipped_images,
    "texts": _texts,
    "table": _table,
    "sounds": _sounds,
}
