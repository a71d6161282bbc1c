"""The pipelines of tf.data, with the layers of Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from benchmarks.pipelines import files
from benchmarks.pipelines.features import feature_space, table_to_adapt

__all__ = ["PIPELINES"]

_AUTO = tf.data.AUTOTUNE


def _paths(folder: Path, kind: str) -> Any:
    paths = sorted(map(str, (folder / kind / "a").iterdir()))
    return tf.data.Dataset.from_tensor_slices(paths)


def _batches(data: Any) -> Callable[[], Iterable[Any]]:
    prefetched = data.prefetch(_AUTO)
    return prefetched.as_numpy_iterator  # type: ignore[no-any-return]


def _read_image(path: Any) -> Any:
    pixels = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(pixels, files.IMAGE)


def _images(folder: Path) -> Callable[[], Iterable[Any]]:
    data = _paths(folder, "images").map(_read_image, num_parallel_calls=_AUTO)
    return _batches(data.batch(files.BATCH))


def _flipped_images(folder: Path) -> Callable[[], Iterable[Any]]:
    def read(path: Any) -> Any:
        return tf.image.random_flip_left_right(_read_image(path))

    data = _paths(folder, "images").map(read, num_parallel_calls=_AUTO)
    return _batches(data.batch(files.BATCH))


def _texts(folder: Path) -> Callable[[], Iterable[Any]]:
    vectorize = keras.layers.TextVectorization(
        vocabulary=files.VOCABULARY, output_sequence_length=files.TEXT_LENGTH
    )
    data = _paths(folder, "texts").map(tf.io.read_file, num_parallel_calls=_AUTO)
    data = data.batch(files.BATCH).map(vectorize, num_parallel_calls=_AUTO)
    return _batches(data)


def _sounds(folder: Path) -> Callable[[], Iterable[Any]]:
    def read(path: Any) -> Any:
        samples, _ = tf.audio.decode_wav(tf.io.read_file(path), 1, files.SAMPLES)
        return samples

    def convert(samples: Any) -> Any:
        spectra = tf.signal.stft(samples[..., 0], files.FRAME, files.STEP, files.FRAME)
        return tf.abs(spectra)

    data = _paths(folder, "sounds").map(read, num_parallel_calls=_AUTO)
    return _batches(data.batch(files.BATCH).map(convert, num_parallel_calls=_AUTO))


def _table(folder: Path) -> Callable[[], Iterable[Any]]:
    space = feature_space(keras)
    space.adapt(tf.data.Dataset.from_tensor_slices(table_to_adapt()).batch(files.ROWS))
    data = tf.data.experimental.make_csv_dataset(
        str(folder / "table.csv"),
        files.ROWS,
        column_defaults=[tf.float32, tf.float32, tf.string, tf.string],
        num_epochs=1,
        shuffle=False,
    )
    return _batches(data.map(space, num_parallel_calls=_AUTO))


PIPELINES: dict[str, Callable[[Path], Callable[[], Iterable[Any]]]] = {
    "images": _images,
    "flips": _flipped_images,
    "texts": _texts,
    "table": _table,
    "sounds": _sounds,
}
