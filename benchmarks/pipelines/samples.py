"""Samples read by functions of Python, for libraries that only form batches of them.

Each class has `__len__` and `__getitem__`, which returns one sample.
"""

from __future__ import annotations

import string
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.pipelines import files

__all__ = ["SAMPLES"]

_PUNCTUATION = str.maketrans("", "", string.punctuation)


class _Files:
    """One sample for each file of a folder."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.iterdir())

    def __len__(self) -> int:
        return len(self._paths)


class Images(_Files):
    """Decodes with Pillow, and resizes with torch."""

    def __init__(self, folder: Path, flips: bool = False) -> None:
        super().__init__(folder / "images" / "a")
        self._flips = flips

    def __getitem__(self, index: int) -> np.ndarray:
        import torch

        pixels = torch.from_numpy(np.array(Image.open(self._paths[index]).convert("RGB")))
        image = pixels.permute(2, 0, 1)[None].float()
        image = torch.nn.functional.interpolate(image, files.IMAGE, mode="bilinear")
        found: np.ndarray = image[0].permute(1, 2, 0).numpy()
        if self._flips and np.random.random() < 0.5:
            return found[:, ::-1].copy()
        return found


class Texts(_Files):
    """Splits at white space, without punctuation, and looks words up in a dict."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "texts" / "a")
        self._ids = {word: number + 2 for number, word in enumerate(files.VOCABULARY)}

    def __getitem__(self, index: int) -> np.ndarray:
        text = self._paths[index].read_text(encoding="utf-8").lower().translate(_PUNCTUATION)
        ids = [self._ids.get(word, 1) for word in text.split()[: files.TEXT_LENGTH]]
        return np.array(ids + [0] * (files.TEXT_LENGTH - len(ids)))


class Sounds(_Files):
    """Reads a WAV file, and computes the magnitudes of its windows with NumPy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "sounds" / "a")
        steps = np.arange(files.FRAME)
        self._window = (0.5 - 0.5 * np.cos(2 * np.pi * steps / files.FRAME)).astype("float32")

    def __getitem__(self, index: int) -> np.ndarray:
        with wave.open(str(self._paths[index]), "rb") as file:
            samples = np.frombuffer(file.readframes(files.SAMPLES), "<i2") / np.float32(1 << 15)
        frames = np.lib.stride_tricks.sliding_window_view(samples, files.FRAME)[:: files.STEP]
        magnitudes: np.ndarray = np.abs(np.fft.rfft(frames * self._window)).astype("float32")
        return magnitudes


class Rows:
    """Rows of a CSV file as vectors of numbers; a list of indices gives a batch."""

    batch = files.ROWS

    def __init__(self, folder: Path) -> None:
        import pandas

        frame = pandas.read_csv(folder / "table.csv")
        self._columns = {name: frame[name].to_numpy() for name in frame}
        self._ids = {
            name: {word: number + 1 for number, word in enumerate(words)}
            for name, words in (("city", files.CITIES), ("job", files.JOBS))
        }

    def __len__(self) -> int:
        return len(self._columns["age"])

    def __getitem__(self, index: int) -> np.ndarray:
        return self.__getitems__([index])[0]

    def __getitems__(self, rows: list[int]) -> np.ndarray:
        """Returns the vectors of some rows."""
        parts = []
        for name in sorted(self._columns):
            values = self._columns[name][rows]
            if name in self._ids:
                ids = self._ids[name]
                numbers = [ids.get(word, 0) for word in values]
                parts.append(np.eye(len(ids) + 1, dtype="float32")[numbers])
            else:
                scaled = (values - files.MEANS[name]) / files.VARIANCES[name] ** 0.5
                parts.append(scaled[:, None].astype("float32"))
        return np.concatenate(parts, 1)


SAMPLES: dict[str, Callable[[Path], Any]] = {
    "images": Images,
    "flips": lambda folder: Images(folder, flips=True),
    "texts": Texts,
    "table": Rows,
    "sounds": Sounds,
}
