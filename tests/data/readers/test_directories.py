"""The files, labels, order and split of a directory equal Keras's."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

import cornu
from cornu.utils import image_dataset_from_directory, text_dataset_from_directory
from tests.data.readers.tensorflow_reference import arrays, made, pictures

FUNCTIONS = ("image", "text", "audio")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    for name in ("b", "a", "c d", ".hidden"):
        for inner in (".", "z", "y/x"):
            place = root / name / inner
            place.mkdir(parents=True, exist_ok=True)
            for file in ("2.txt", "10.TXT", "1.txt", "1.png", "txt"):
                (place / file).write_text(f"{name} {inner} {file}")
    return root


def theirs(folder, **kwargs):
    dataset = made(keras.utils.text_dataset_from_directory, folder, verbose=False, **kwargs)
    return dataset if isinstance(dataset, list) else [dataset]


def ours(folder, **kwargs):
    dataset = text_dataset_from_directory(folder, verbose=False, **kwargs)
    return dataset if isinstance(dataset, tuple) else [dataset]


CASES = {
    "sorted": {"shuffle": False},
    "categorical": {"shuffle": False, "label_mode": "categorical"},
    "binary": {"shuffle": False, "label_mode": "binary", "class_names": ["c d", "a"]},
    "some classes": {"shuffle": False, "class_names": ["b", "a"]},
    "no labels": {"shuffle": False, "labels": None},
    "no mode": {"shuffle": False, "label_mode": None},
    "single": {"shuffle": False, "batch_size": None},
    "training": {"shuffle": False, "validation_split": 0.3, "subset": "training"},
    "validation": {"shuffle": False, "validation_split": 0.3, "subset": "validation"},
    "both": {"shuffle": False, "validation_split": 0.3, "subset": "both", "batch_size": 4},
    "given": {"shuffle": False, "labels": [i % 3 for i in range(36)]},
    "given one-hot": {"shuffle": False, "labels": [1, 0] * 18, "label_mode": "categorical"},
}


@pytest.mark.parametrize("name", CASES)
def test_files_are_those_of_keras(folder, name):
    kwargs = CASES[name]
    for a, b in zip(ours(folder, **kwargs), theirs(folder, **kwargs), strict=True):
        assert a.class_names == b.class_names
        for mine, target in zip(a, arrays(b), strict=True):
            if not isinstance(target, tuple):
                mine, target = (mine,), (target,)
            texts = mine[0] if isinstance(mine[0], str) else [text.encode() for text in mine[0]]
            assert (
                texts == target[0].decode() if isinstance(texts, str) else texts == list(target[0])
            )
            for labels, expected in zip(mine[1:], target[1:], strict=True):
                assert np.asarray(labels).dtype == expected.dtype
                np.testing.assert_array_equal(labels, expected)


def test_the_shuffled_order_and_split_are_those_of_keras(tmp_path):
    # TensorFlow shuffles once more what Keras gives it, so the files are asked for.
    pictures(tmp_path, count=4, size=(2, 2))
    for subset in (None, "training", "validation", "both"):
        kwargs = {"seed": 12, "image_size": (2, 2), "verbose": False}
        if subset:
            kwargs |= {"validation_split": 0.4, "subset": subset}
        a = image_dataset_from_directory(tmp_path, **kwargs)
        b = made(keras.utils.image_dataset_from_directory, tmp_path, **kwargs)
        for mine, expected in zip(
            a if subset == "both" else [a], b if subset == "both" else [b], strict=True
        ):
            assert mine.file_paths == expected.file_paths
            labels = np.concatenate([y for _, y in mine])
            names = [path.split("/")[-2] for path in mine.file_paths]
            assert [mine.class_names[label] for label in labels] == names
    labels = list(range(12))
    data = image_dataset_from_directory(tmp_path, labels=labels, seed=1, verbose=False)
    assert labels == list(range(12)) and data.class_names == [str(i) for i in range(12)]
    order = [4 * "abc".index(path.split("/")[-2]) + int(path[-5]) for path in data.file_paths]
    assert order == data[0][1].tolist() != labels


def test_links_are_followed_on_request_and_cycles_are_skipped(tmp_path):
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "1.txt").write_text("1")
    other = tmp_path / "other"
    other.mkdir()
    (other / "2.txt").write_text("2")
    (root / "a" / "link").symlink_to(other)
    (root / "a" / "up").symlink_to(root)
    for follow, count in ((False, 1), (True, 2)):
        data = ours(root, follow_links=follow, shuffle=False)[0]
        assert len(data.file_paths) == count


def test_printed_messages(folder, capsys):
    kwargs = {"seed": 1, "validation_split": 0.2, "subset": "both"}
    text_dataset_from_directory(folder, **kwargs)
    message = capsys.readouterr().out
    made(keras.utils.text_dataset_from_directory, folder, **kwargs)
    assert message == capsys.readouterr().out
    assert message.splitlines()[0] == "Found 27 files belonging to 3 classes."
    text_dataset_from_directory(folder, labels=None)
    assert capsys.readouterr().out == "Found 36 files.\n"
    text_dataset_from_directory(folder, verbose=False)
    cornu.utils.disable_interactive_logging()
    text_dataset_from_directory(folder)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"directory": "/nowhere"}, "the folder '/nowhere' does not exist"),
        ({"labels": "names"}, "labels must be 'inferred', None or a list"),
        ({"labels": 3}, "labels must be 'inferred', None or a list"),
        ({"labels": [1, 2]}, "received 2 labels for 36 files"),
        ({"labels": ["a"] * 36}, "labels must be numbers"),
        ({"labels": [1, 2] * 18, "label_mode": "categorical"}, "Received: values from 1 to 2"),
        ({"labels": [0.5, 1.5] * 18, "label_mode": "binary"}, "integer labels from 0 to 1"),
        ({"label_mode": "names"}, "label_mode must be one of"),
        ({"label_mode": "binary"}, "'binary' requires 2 classes. Received: a, b, c d"),
        ({"class_names": ["bb"]}, "class_names contains 'bb', but .* has no such subfolder.*'b'"),
        ({"class_names": ["a"], "labels": None}, "class_names can only be passed with"),
        ({"subset": "training"}, "validation_split and subset must be passed together"),
        ({"validation_split": 0.2}, "validation_split and subset must be passed together"),
        ({"validation_split": 2, "subset": "both"}, "must be between 0 and 1"),
        ({"validation_split": 0.2, "subset": "test"}, "subset must be one of"),
        ({"validation_split": 0.2, "subset": "both", "seed": None}, "needs a seed"),
        ({"validation_split": 0.01, "subset": "both"}, "of 27 files leaves no file"),
        ({"batch_size": 0}, "batch_size must be a positive integer"),
        ({"batch_size": True}, "batch_size must be a positive integer"),
        ({"max_length": 0}, "max_length must be a positive integer"),
        ({"format": "torch"}, "format must be 'tf' or 'grain'"),
    ],
)
def test_wrong_arguments(folder, kwargs, message):
    kwargs = {"directory": folder, "seed": 1, "verbose": False, **kwargs}
    with pytest.raises((ValueError, NotADirectoryError), match=message):
        text_dataset_from_directory(**kwargs)


def test_sizes_may_be_integers_of_numpy(folder):
    options = {"batch_size": np.int64(3), "max_length": np.int32(2), "verbose": False}
    data = text_dataset_from_directory(folder, **options)
    texts, labels = data[0]
    assert len(texts) == len(labels) == 3 and max(map(len, texts)) == 2


def test_folders_without_files(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=r"no files with extension .txt in .*subfolders 'a'"):
        text_dataset_from_directory(tmp_path)
    with pytest.raises(ValueError, match=r"no files with extension .bmp, .gif"):
        image_dataset_from_directory(tmp_path, labels=None)


def test_signatures_are_those_of_keras():
    names = [f"{kind}_dataset_from_directory" for kind in FUNCTIONS]
    names += ["timeseries_dataset_from_array", "get_file", "load_img", "save_img"]
    for name in (*names, "img_to_array", "array_to_img"):
        a, b = (inspect.signature(getattr(lib.utils, name)) for lib in (cornu, keras))
        assert [(p.name, p.default) for p in a.parameters.values()] == [
            (p.name, p.default) for p in b.parameters.values()
        ], name
