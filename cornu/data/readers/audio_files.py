"""A Dataset of the sound files in a folder."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.data.readers.dataset import Dataset
from cornu.data.readers.directories import Wish, datasets
from cornu.data.readers.resampling import resampled
from cornu.data.readers.wav import read_wav

__all__ = ["audio_dataset_from_directory"]

_WHO = "audio_dataset_from_directory"


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Dataset | tuple[Dataset, Dataset]:
    """Returns batches of the sounds in a folder (files `.wav`), in which each class has a folder.

    Args:
        directory: the folder.
        labels: `"inferred"` from the names of the folders in it; None; or one number for each
            file, in the order of their sorted paths.
        label_mode: `"int"`, `"categorical"` (one-hot), `"binary"` (0.0 or 1.0) or None.
        class_names: the folders to read, in the order of their numbers; by default all, sorted.
        batch_size: sounds of a batch; with None each sound is an item without batch axis.
        sampling_rate: samples of a second, to which sounds of another rate are brought; by
            default each stays as it is.
        output_sequence_length: samples of all sounds: longer ones are cut, shorter ones get
            zeros. By default those of a batch are as long as its longest.
        ragged: not supported, as there are no ragged arrays.
        shuffle: whether files are in random order, a new one in each epoch of `fit`.
        seed: of the order.
        validation_split: the part of the files, from the end, that is kept for validation.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        follow_links: whether folders are read to which there are links.
        verbose: whether to say how many files there are.

    Shapes:
        sounds (batch, samples, channels) of float32 from -1 to 1;
        labels (batch,) of int32, or (batch, classes) or (batch, 1) of float32.

    Returns:
        A Dataset with `class_names` and `file_paths`, or two of them.

    Raises:
        NotADirectoryError: there is no such folder.
        ValueError: an argument is not right, or there are no sounds. When a batch is made: a file
            is no WAV file or damaged, which is named; or channels differ.

    Example:

    >>> import pathlib, tempfile, wave
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> (folder / "silence").mkdir()
    >>> with wave.open(str(folder / "silence" / "1.wav"), "wb") as file:
    ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
    ...     file.writeframes(bytes(16))
    >>> data = audio_dataset_from_directory(folder, output_sequence_length=10)
    Found 1 files belonging to 1 classes.
    >>> [(sounds.shape, labels.tolist()) for sounds, labels in data]
    [((1, 10, 1), [0])]

    Differences: Keras reads integers of 16 bits only, and needs tensorflow-io for another
        `sampling_rate`. Files, split and orders are as in `image_dataset_from_directory`.
    """
    if ragged:
        raise ValueError(
            f"{_WHO}: ragged=True is not supported: there are no ragged arrays in JAX. Give an "
            "output_sequence_length, or leave both out, so that sounds are filled up with zeros."
        )
    for name, value in (
        ("sampling_rate", sampling_rate),
        ("output_sequence_length", output_sequence_length),
    ):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(
                f"{_WHO}: {name} is an integer from 1 on, or None. Received: {value!r}"
            )

    def sound(path: str) -> np.ndarray:
        samples, rate = read_wav(path)
        return resampled(samples, rate, sampling_rate or rate)[:output_sequence_length]

    def read(paths: list[str]) -> np.ndarray:
        sounds = [sound(path) for path in paths]
        channels = {x.shape[1]: path for x, path in zip(sounds, paths, strict=True)}
        if len(channels) > 1:
            raise ValueError(
                f"{_WHO}: sounds of different channels are no batch: "
                + ", ".join(f"{path!r} has {count}" for count, path in channels.items())
            )
        length = output_sequence_length or max(map(len, sounds))
        return np.stack([np.pad(x, ((0, length - len(x)), (0, 0))) for x in sounds])

    wish = Wish(
        who=_WHO,
        directory=directory,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )
    return datasets(wish, (".wav",), read)
