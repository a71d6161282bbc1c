"""Batches of images that an ImageDataGenerator transforms."""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.utils import PyDataset, array_to_img, img_to_array, load_img, to_categorical

__all__ = ["DataFrameIterator", "DirectoryIterator", "Iterator", "NumpyArrayIterator"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
_CLASS_MODES = ("categorical", "binary", "sparse", "input", "other", None)


class Iterator(PyDataset):
    """Batches of rows: a Sequence, and an endless iterator.

    Args:
        n: the number of rows.
        batch_size: rows per batch.
        shuffle: whether the rows are in another order in each epoch.
        seed: the seed of the order and of the transformations.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        super().__init__()
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.batch_index = 0
        self.total_batches_seen = 0
        self.index_array: np.ndarray | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if index >= len(self):
            raise ValueError(f"There are {len(self)} batches. Received: {index}")
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1
        order = self._order()
        return self._make_batch(order[self.batch_size * index : self.batch_size * (index + 1)])

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        with self._lock:
            if self.batch_index == 0:
                if self.seed is not None:
                    np.random.seed(self.seed + self.total_batches_seen)
                self.index_array = None
            index = self.batch_index
            self.batch_index = (index + 1) % len(self)
            return self[index]

    next = __next__

    def reset(self) -> None:
        """Restarts with the first batch."""
        self.batch_index = 0

    def on_epoch_end(self) -> None:
        """Chooses another order of the rows."""
        self.index_array = None

    def _order(self) -> np.ndarray:
        if self.index_array is None:
            self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)
        return self.index_array

    def _make_batch(self, rows: np.ndarray) -> Any:
        raise NotImplementedError


def _split(count: int, generator: Any, subset: str | None) -> slice:
    """Returns the rows of a subset; those of validation are the first ones."""
    if subset is None:
        return slice(0, count)
    if subset not in ("training", "validation"):
        raise ValueError(f"subset must be 'training' or 'validation'. Received: {subset!r}")
    cut = int(count * generator.validation_split)
    return slice(0, cut) if subset == "validation" else slice(cut, count)


class NumpyArrayIterator(Iterator):
    """Batches of arrays; see `ImageDataGenerator.flow`."""

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        dtype: Any = None,
    ) -> None:
        others: list[Any] = []
        if isinstance(x, (tuple, list)):
            x, others = x[0], [np.asarray(one) for one in x[1]]
        x = np.asarray(x, dtype or "float32")
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None and len(value) != len(x):
                raise ValueError(
                    f"flow: x and {name} must have the same length. Received: {len(x)} and "
                    f"{len(value)}"
                )
        if x.ndim != 4:
            raise ValueError(f"flow: x must have 4 axes. Received shape: {x.shape}")
        rows = _split(len(x), image_data_generator, subset)
        self.x = x[rows]
        self.x_misc = [one[rows] for one in others]
        self.y = None if y is None else np.asarray(y)[rows]
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)[rows]
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _make_batch(self, rows: np.ndarray) -> Any:
        generator = self.image_data_generator
        images = np.stack([generator.transform(self.x[row]) for row in rows])
        _save(self, images, rows)
        inputs: Any = images
        if self.x_misc:
            inputs = [images, *(one[rows] for one in self.x_misc)]
        if self.y is None:
            return inputs
        weights = () if self.sample_weight is None else (self.sample_weight[rows],)
        return (inputs, self.y[rows], *weights)


class _FileIterator(Iterator):
    """Batches of images in files.

    Args:
        paths: the files.
        targets: the targets, or None.
        generator: transforms the images.
        options: the arguments of `flow_from_directory`.
    """

    def __init__(self, paths: list[Path], targets: Any, generator: Any, options: Any) -> None:
        self.filepaths = [str(path) for path in paths]
        self.targets = targets
        self.image_data_generator = generator
        self.target_size = tuple(options["target_size"])
        self.color_mode = options["color_mode"]
        self.class_mode = options["class_mode"]
        self.interpolation = options["interpolation"]
        self.keep_aspect_ratio = options.get("keep_aspect_ratio", False)
        self.sample_weight: Any = None
        self.save_to_dir = options["save_to_dir"]
        self.save_prefix = options["save_prefix"]
        self.save_format = options["save_format"]
        channels = {"grayscale": 1, "rgb": 3, "rgba": 4}[self.color_mode]
        first = generator.data_format == "channels_first"
        size = self.target_size
        self.image_shape = (channels, *size) if first else (*size, channels)
        super().__init__(len(paths), options["batch_size"], options["shuffle"], options["seed"])
        self.samples = self.n

    def _make_batch(self, rows: np.ndarray) -> Any:
        generator = self.image_data_generator
        images = np.stack(
            [
                generator.transform(
                    img_to_array(
                        load_img(
                            self.filepaths[row],
                            color_mode=self.color_mode,
                            target_size=self.target_size,
                            interpolation=self.interpolation,
                            keep_aspect_ratio=self.keep_aspect_ratio,
                        ),
                        data_format=generator.data_format,
                    )
                )
                for row in rows
            ]
        )
        _save(self, images, rows)
        if self.class_mode is None:
            return images
        weights = () if self.sample_weight is None else (self.sample_weight[rows],)
        return (images, self._targets_of(rows, images), *weights)

    def _targets_of(self, rows: np.ndarray, images: np.ndarray) -> Any:
        if self.class_mode == "input":
            return images.copy()
        targets = np.asarray(self.targets)[rows]
        if self.class_mode == "categorical":
            return to_categorical(targets, self.num_classes)
        return targets.astype("float32") if self.class_mode == "binary" else targets

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_indices)

    class_indices: dict[str, int]


class DirectoryIterator(_FileIterator):
    """Batches of the images in the subfolders of a folder, which are the classes.

    See `ImageDataGenerator.flow_from_directory`.
    """

    def __init__(self, directory: Any, image_data_generator: Any, **options: Any) -> None:
        root = Path(directory)
        names = options.pop("classes") or sorted(p.name for p in root.iterdir() if p.is_dir())
        _check_class_mode(options["class_mode"])
        self.directory = str(directory)
        self.class_indices = {name: i for i, name in enumerate(names)}
        subset = options.pop("subset")
        follow_links = options.pop("follow_links", False)
        paths: list[Path] = []
        classes: list[int] = []
        for name, i in self.class_indices.items():
            found = _list_images(root / name, follow_links)
            found = found[_split(len(found), image_data_generator, subset)]
            paths += found
            classes += [i] * len(found)
        self.filenames = [str(path.relative_to(root)) for path in paths]
        self.classes = np.array(classes, "int32")
        super().__init__(paths, self.classes, image_data_generator, options)
        print(f"Found {self.n} images belonging to {self.num_classes} classes.")


class DataFrameIterator(_FileIterator):
    """Batches of the images whose names are in a column of a table.

    See `ImageDataGenerator.flow_from_dataframe`.
    """

    def __init__(
        self,
        dataframe: Any,
        directory: Any,
        image_data_generator: Any,
        x_col: str,
        y_col: Any,
        **options: Any,
    ) -> None:
        _check_class_mode(options["class_mode"])
        names = options.pop("classes")
        weight_col = options.pop("weight_col", None)
        root = Path(directory or ".")
        files = [str(name) for name in dataframe[x_col]]
        if not options.pop("has_ext", True):
            endings = {path.stem: path.name for path in _list_images(root)}
            files = [endings.get(name, name) for name in files]
        if options.pop("validate_filenames", True):
            exist = [(root / name).is_file() for name in files]
            if not all(exist):
                warnings.warn(
                    f"flow_from_dataframe: {exist.count(False)} of {len(files)} files do not "
                    "exist; their rows are left out.",
                    stacklevel=user_stacklevel(),
                )
            dataframe = dataframe[exist]
            files = [name for name, is_file in zip(files, exist, strict=True) if is_file]
        rows = _split(len(dataframe), image_data_generator, options.pop("subset"))
        table = dataframe.iloc[rows]
        self.filenames = files[rows]
        self.class_indices = {}
        targets: Any = None
        if options["class_mode"] in ("categorical", "binary", "sparse"):
            labels = [str(label) for label in table[y_col]]
            names = names or sorted(set(map(str, dataframe[y_col])))
            self.class_indices = {name: i for i, name in enumerate(names)}
            targets = self.classes = np.array([self.class_indices[label] for label in labels])
        elif options["class_mode"] == "other":
            targets = table[y_col].to_numpy()
        paths = [root / name for name in self.filenames]
        super().__init__(paths, targets, image_data_generator, options)
        if weight_col is not None:
            self.sample_weight = table[weight_col].to_numpy("float32")
        print(f"Found {self.n} images belonging to {self.num_classes} classes.")


def _list_images(folder: Path, follow_links: bool = False) -> list[Path]:
    """Returns the image files below a folder in order, also those behind links to folders."""
    found = [
        Path(above) / name
        for above, _, names in os.walk(folder, followlinks=follow_links)
        for name in names
    ]
    return sorted(p for p in found if p.suffix.lower() in _ENDINGS and p.is_file())


def _check_class_mode(class_mode: Any) -> None:
    if class_mode not in _CLASS_MODES:
        raise ValueError(f"class_mode must be in {_CLASS_MODES}. Received: {class_mode!r}")


def _save(owner: Any, images: np.ndarray, rows: np.ndarray) -> None:
    """Writes the images of a batch to the folder that the program named."""
    if not owner.save_to_dir:
        return
    for image, row in zip(images, rows, strict=True):
        number = np.random.randint(10_000_000)
        name = f"{owner.save_prefix}_{row}_{number}.{owner.save_format}"
        shown = array_to_img(image, owner.image_data_generator.data_format)
        shown.save(Path(owner.save_to_dir) / name)
