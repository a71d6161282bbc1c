"""Strings from every source of data, read by a model that converts them to numbers."""

import datasets
import grain
import numpy as np
import pandas as pd
import polars as pl
import pytest
import tensorflow as tf
import torch

import cornu
from cornu import layers
from cornu.data.strings import arrays_with_strings

WORDS = ["red", "green", "blue", "red blue", "green green", "blue red red", "red", "blue"]
TEXTS = WORDS * 3
NUMBERS = np.linspace(0, 1, 24).astype("float32")
LABELS = (np.arange(24) % 3 == 0).astype("float32")


def make_model():
    cornu.utils.set_random_seed(2)
    vectorize = layers.TextVectorization(output_sequence_length=3)
    vectorize.adapt(WORDS)
    text = cornu.Input((), dtype="string", name="text")
    number = cornu.Input((1,), name="number")
    x = layers.Flatten()(layers.Embedding(8, 2)(vectorize(text)))
    outputs = layers.Dense(1, name="label")(layers.concatenate([x, number]))
    model = cornu.Model({"text": text, "number": number}, outputs)
    model.compile("sgd", "mse")
    return model


def batches(texts=list, count=3):
    for start in range(0, 24, 24 // count):
        rows = slice(start, start + 24 // count)
        yield {"text": texts(TEXTS[rows]), "number": NUMBERS[rows]}, LABELS[rows]


class Numbered(cornu.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return list(batches())[index]


def _tensorflow():
    x = {"text": tf.constant(TEXTS), "number": NUMBERS}
    return tf.data.Dataset.from_tensor_slices((x, LABELS)).batch(8)


def _torch():
    rows = [({"text": t, "number": n}, y) for t, n, y in zip(TEXTS, NUMBERS, LABELS, strict=True)]
    return torch.utils.data.DataLoader(rows, batch_size=8)


def _grain():
    rows = [({"text": t, "number": n}, y) for t, n, y in zip(TEXTS, NUMBERS, LABELS, strict=True)]
    return grain.MapDataset.source(rows).batch(8)


def _columns():
    return {"text": TEXTS, "number": NUMBERS, "label": LABELS}


def _hugging_face():
    return datasets.Dataset.from_dict(_columns())


def _stream():
    return _hugging_face().to_iterable_dataset()


def _pandas():
    frame = pd.DataFrame(_columns())
    return frame, "label"


def _polars():
    return pl.DataFrame(_columns()), "label"


def _pandas_categories():
    frame, label = _pandas()
    return frame.astype({"text": "category"}), label


SOURCES = {
    "lists": lambda: ({"text": TEXTS, "number": NUMBERS.tolist()}, LABELS),
    "objects": lambda: ({"text": np.array(TEXTS, object), "number": NUMBERS}, LABELS),
    "str": lambda: ({"text": np.array(TEXTS), "number": NUMBERS}, LABELS),
    "bytes": lambda: ({"text": np.array(TEXTS, "S"), "number": NUMBERS}, LABELS),
    "column": lambda: ({"text": np.array(TEXTS)[:, None], "number": NUMBERS}, LABELS),
    "pandas": _pandas,
    "pandas categories": _pandas_categories,
    "polars": _polars,
    "hugging face": lambda: (_hugging_face(),),
    "hugging face stream": lambda: (_stream(),),
    "hugging face columns": lambda: (
        {name: _hugging_face()[name] for name in ("text", "number")},
        _hugging_face()["label"],
    ),
    "generator": lambda: (batches(),),
    "generator of arrays": lambda: (batches(np.array),),
    "numbered": lambda: (Numbered(),),
    "workers": lambda: (Numbered(workers=2),),
    "tf.data": lambda: (_tensorflow(),),
    "torch": lambda: (_torch(),),
    "grain": lambda: (_grain(),),
}


@pytest.fixture(scope="module")
def trained():
    """Returns a model, its first weights, and those after an epoch of numbers."""
    model = make_model()
    start = model.get_weights()
    data = {"text": np.array(TEXTS), "number": NUMBERS}
    loss = model.fit(data, LABELS, batch_size=8, shuffle=False, verbose=0).history["loss"]
    return model, start, loss, model.get_weights()


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_training(source, trained):
    model, start, loss, end = trained
    model.set_weights(start)
    data = SOURCES[source]()
    rows = (
        {}
        if len(data) == 1 and "stream" not in source and source != "hugging face"
        else {"batch_size": 8}
    )
    found = model.fit(*data, shuffle=False, verbose=0, **rows).history["loss"]
    np.testing.assert_allclose(found, loss, rtol=1e-5)
    for one, other in zip(model.get_weights(), end, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_batches_of_strings_without_targets():
    vectorize = layers.StringLookup(vocabulary=["a", "b"])
    text = cornu.Input((), dtype="string")
    model = cornu.Model(text, vectorize(text))
    expected = [1, 2, 0]
    # A list of three strings is not (x, y, sample_weight).
    for batch in (["a", "b", "c"], ("a", "b", "c"), np.array(["a", "b", "c"])):
        assert model.predict(iter([batch]), verbose=0).tolist() == expected
        assert model.predict(batch, verbose=0).tolist() == expected
    column = np.array([["a"], ["b"], ["c"]])
    assert model.predict(column, verbose=0).tolist() == expected


def test_shuffling_validation_and_resuming_are_those_of_numbers(tmp_path):
    histories = []
    for pause in (None, 1):
        model = make_model()
        data = {"text": TEXTS, "number": NUMBERS}

        def run(epochs, model=model, data=data, folder=str(pause)):
            cornu.utils.set_random_seed(4)
            model.compile("adam", "mse")
            return model.fit(
                *(data, LABELS),
                batch_size=5,
                epochs=epochs,
                verbose=0,
                validation_split=0.25,
                resume=tmp_path / folder,
            ).history

        if pause is not None:
            run(pause)
            model = make_model()
            histories.append(run(3, model=model))
        else:
            histories.append(run(3))
    assert histories[0] == histories[1]


def test_conversion_of_lists():
    long = ["x" * 10_000, "y"]
    assert arrays_with_strings(long, "x").dtype == object
    assert arrays_with_strings([["a", "b"], ["c", "d"]], "x").shape == (2, 2)
    assert arrays_with_strings([1, 2, 3], "x").dtype.kind == "i"
    number, text = arrays_with_strings([[1, 2], ["a", "b"]], "x", ("number", "text"))
    assert number.tolist() == [1, 2] and text.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="x is ragged: its rows have different numbers of strings"):
        arrays_with_strings([["a", "b"], ["c"]], "x")
    with pytest.raises(TypeError, match=r"x is the string 'text'; expected a list"):
        arrays_with_strings("text", "x")
