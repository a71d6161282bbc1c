"""The files that the pipelines read."""

from __future__ import annotations

import csv
import wave
from pathlib import Path

import numpy as np

__all__ = [
    "BATCH",
    "CITIES",
    "FRAME",
    "IMAGE",
    "JOBS",
    "MEANS",
    "ROWS",
    "SAMPLES",
    "STEP",
    "TEXT_LENGTH",
    "VARIANCES",
    "VOCABULARY",
    "write",
]

BATCH = 32
IMAGE = (224, 224)
TEXT_LENGTH = 150
VOCABULARY = [f"word{number}" for number in range(5000)]
CITIES = [f"city{number}" for number in range(50)]
JOBS = [f"job{number}" for number in range(20)]
MEANS, VARIANCES = {"age": 50.0, "income": 0.0}, {"age": 400.0, "income": 1e8}
ROWS = 256  # of the CSV file, in a batch
SAMPLES, FRAME, STEP = 16000, 512, 256  # one second; the windows of its spectrogram


def write(folder: Path, sizes: dict[str, int]) -> None:
    """Writes the files of all tasks.

    Args:
        folder: an empty folder.
        sizes: the number of samples of each task.
    """
    rng = np.random.default_rng(0)
    for name in ("images", "texts", "sounds"):
        (folder / name / "a").mkdir(parents=True)
    _write_images(folder / "images" / "a", sizes["images"], rng)
    for number in range(sizes["texts"]):
        words = [
            f"Word{n}" + "," * (n % 7 == 0) for n in rng.integers(0, 6000, TEXT_LENGTH).tolist()
        ]
        (folder / "texts" / "a" / f"{number:05}.txt").write_text(" ".join(words))
    for number in range(sizes["sounds"]):
        with wave.open(str(folder / "sounds" / "a" / f"{number:05}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes((rng.normal(size=SAMPLES) * 3000).astype("<i2").tobytes())
    with (folder / "table.csv").open("w", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(["age", "income", "city", "job"])
        for _ in range(sizes["table"]):
            numbers = [int(rng.integers(18, 90)), round(float(rng.normal()) * 1e4, 2)]
            rows.writerow([*numbers, f"city{rng.integers(50)}", f"job{rng.integers(20)}"])


def _write_images(folder: Path, count: int, rng: np.random.Generator) -> None:
    """Writes JPEG files of 512 x 384 pixels: waves with noise, about 60 kB each."""
    from PIL import Image

    y, x = np.mgrid[0:384, 0:512]
    for number in range(count):
        waves = np.full((384, 512, 3), 128.0)
        for _ in range(6):
            across, down = rng.normal(size=2) * 0.03
            colors = rng.uniform(-40, 40, 3)
            waves += np.sin(down * y + across * x)[..., None] * colors
        waves += rng.normal(size=waves.shape) * 8
        image = Image.fromarray(waves.clip(0, 255).astype("uint8"))
        image.save(folder / f"{number:05}.jpg", quality=90)
