"""Texts of a folder; which files they come from is tested in test_directories.py."""

from __future__ import annotations

import pytest

from cornu.utils import text_dataset_from_directory


def test_texts_are_strings(tmp_path):
    texts = {"a": "Grüße\r\n", "b": "", "c": "x" * 9}
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_bytes(text.encode())
    kwargs = {"labels": None, "shuffle": False, "verbose": False}
    whole = text_dataset_from_directory(tmp_path, **kwargs)[0]
    assert whole.tolist() == list(texts.values()) and whole.shape == (3,)
    cut = text_dataset_from_directory(tmp_path, max_length=3, **kwargs)[0]
    assert cut.tolist() == ["Grü", "", "xxx"]


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "old.txt").write_bytes(b"Gr\xfc\xdfe")
    data = text_dataset_from_directory(tmp_path, labels=None, verbose=False)
    with pytest.raises(ValueError, match=r"old.txt' is not UTF-8: invalid start byte at byte 2"):
        list(data)
