"""Reads the audio files of a folder as a Dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.data.readers.dataset import Dataset
from cornu.data.readers.directories import (
    DirectoryOptions,
    LabelMode,
    Labels,
    Subset,
    check_limit,
    make_datasets,
)
from cornu.data.readers.resampling import resample
from cornu.data.readers.wav import read_wav

__all__ = ["audio_dataset_from_directory"]

_NAME = "audio_dataset_from_directory"


@api_boundary
def audio_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Dataset | tuple[Dataset, Dataset]:
    """Returns a Dataset of the WAV files in a folder, with one subfolder per class.

    Args:
        directory: the folder.
        labels: `"inferred"` from the names of the subfolders; None; or a number for each file,
            in the order of their sorted paths.
        label_mode: `"int"`, `"categorical"` (one-hot), `"binary"` (0.0 or 1.0) or None.
        class_names: the subfolders to read, in the order of class indices; by default all, sorted.
        batch_size: the batch size; with None, each element is one sound without batch axis.
        sampling_rate: samples per second; sounds with another rate are resampled. By default,
            each sound keeps its rate.
        output_sequence_length: the number of samples per sound; longer sounds are truncated,
            shorter ones padded with zeros. By default, the length of the longest in the batch.
        ragged: not supported, because JAX has no ragged arrays.
        shuffle: whether to shuffle the files, in a new order in each epoch of `fit`.
        seed: the seed of the order.
        validation_split: the fraction of the files that is reserved for validation, taken from
            the end.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        follow_links: whether to follow symbolic links to folders.
        verbose: whether to print the number of files.

    Shapes:
        sounds (batch, samples, channels) of float32 from -1 to 1;
        labels (batch,) of int32, or (batch, classes) or (batch, 1) of float32.

    Returns:
        A Dataset with `class_names` and `file_paths`, or two of them.

    Raises:
        NotADirectoryError: the folder does not exist.
        ValueError: an argument is invalid, or there are no sounds. When a batch is read: a file is
            not a valid WAV file, or the number of channels differs.

    Example:

    >>> import pathlib, tempfile, wave
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> (folder / "silence").mkdir()
    >>> with wave.open(str(folder / "silence" / "1.wav"), "wb") as file:
    ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
    ...     file.writeframes(bytes(16))
    >>> data = audio_dataset_from_directory(folder, output_sequence_length=10)
    Found 1 file belonging to 1 class.
    >>> [(sounds.shape, labels.tolist()) for sounds, labels in data]
    [((1, 10, 1), [0])]

    Differences: Keras reads only 16-bit integers, and needs tensorflow-io for `sampling_rate`. For
        files, split and orders see `image_dataset_from_directory`.
    """
    options = DirectoryOptions.from_arguments(_NAME, locals())
    if ragged:
        raise ValueError(
            f"{_NAME}: ragged=True is not supported, because JAX has no ragged arrays. Pass "
            "output_sequence_length; by default, sounds are padded to the longest of the batch."
        )
    check_limit(_NAME, "sampling_rate", sampling_rate)
    check_limit(_NAME, "output_sequence_length", output_sequence_length)

    def read_sound(path: str) -> np.ndarray:
        samples, rate = read_wav(path)
        return resample(samples, rate, sampling_rate or rate)[:output_sequence_length]

    def read(paths: list[str]) -> np.ndarray:
        sounds = [read_sound(path) for path in paths]
        channels = {x.shape[1]: path for x, path in zip(sounds, paths, strict=True)}
        if len(channels) > 1:
            raise ValueError(
                f"{_NAME}: all sounds of a batch must have the same number of channels, but "
                + ", ".join(f"{path!r} has {count}" for count, path in channels.items())
            )
        length = output_sequence_length or max(map(len, sounds))
        batch = np.zeros((len(sounds), length, *channels), "float32")
        for x, row in zip(sounds, batch, strict=True):
            row[: len(x)] = x
        return batch

    return make_datasets(options, (".wav",), read)
