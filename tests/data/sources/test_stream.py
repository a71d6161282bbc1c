"""Streams that end early, change, are empty or can be read only once are reported."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import torch
from datasets import Dataset

import cornu
from cornu.data import Stream, adapt
from cornu.data.column_names import Names
from tests.data.many import LABELS, Batches, X

FIRST = (X[:8], LABELS[:8])


def changed(second):
    return list(adapt(iter([FIRST, second])).batches())


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ((X[:8, :, None], LABELS[:8]), "x: expected float32 (8, 3), received float32 (8, 3, 1)"),
        ((X[:8].astype("int8"), LABELS[:8]), "x: expected float32 (8, 3), received int8 (8, 3)"),
        ((X[:8],), "y: expected int32 (8,), received nothing"),
        ((X[:8], LABELS[:8], np.ones(8)), "sample_weight: expected nothing, received float32 (8,)"),
        (([X[:8]], LABELS[:8]), "x[0]: expected nothing, received float32 (8, 3)"),
        ({"x": X[:8]}, "x['x']: expected nothing, received float32 (8, 3)"),
    ],
)
def test_a_batch_that_is_not_like_the_first(second, message):
    with pytest.raises(
        ValueError, match="Batch 1 of the data is not compatible with the first"
    ) as caught:
        changed(second)
    assert message in str(caught.value) and not hasattr(caught.value, "__notes__")


def test_lengths_and_equal_dtypes_may_change():
    assert len(changed((X[:3].astype("float64"), LABELS[:3].astype("int32")))) == 2
    sequences = [(np.ones((2, n, 1)), np.ones((2, n))) for n in (3, 5, 4)]
    assert [x.shape[1] for x, _, _ in adapt(sequences.__iter__()).batches()] == [3, 5, 4]


def test_an_empty_batch():
    with pytest.raises(ValueError, match=r"Batch 1 of the data is empty: x has the shape \(0, 3\)"):
        changed((X[:0], LABELS[:0]))


def test_errors_name_the_batch():
    with pytest.raises(ValueError, match="is ragged") as caught:
        changed(([[1.0], [1.0, 2.0]], LABELS[:2]))
    assert caught.value.__notes__ == ["This was batch 1 of the data; the first is 0."]
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="different numbers of rows") as caught:
        model.fit(iter([(X, LABELS), (X, LABELS[:3])]), verbose=0)
    assert any("This was batch 1 of the data" in note for note in caught.value.__notes__)


class Fresh:
    """Counts its iterators."""

    def __init__(self, count):
        self.count, self.begun = count, 0

    def __iter__(self):
        self.begun += 1
        return iter([(np.full((1, 1), i), np.zeros(1)) for i in range(self.count)])


def numbers(source, epochs):
    return [[int(x[0, 0]) for x, _, _ in source.batches(epoch)] for epoch in range(epochs)]


def test_passes_and_epochs_of_given_steps():
    source = adapt(Fresh(3))
    assert source.steps is None and numbers(source, 2) == [[0, 1, 2]] * 2 and source.steps == 3
    assert numbers(adapt(Fresh(5), steps=2, restart=True), 4) == [[0, 1], [2, 3], [4, 0], [1, 2]]
    assert numbers(adapt(Fresh(2), steps=3, restart=True), 2) == [[0, 1, 0], [1, 0, 1]]
    assert numbers(adapt(Fresh(4), steps=2), 2) == [[0, 1], [2, 3]]


def test_the_first_batch_is_read_once():
    data = Fresh(2)
    source = adapt(data)
    assert source.example()[0].shape == (1, 1) and source.first() is source.first()
    assert numbers(source, 2) == [[0, 1], [0, 1]] and data.begun == 2


def test_data_that_ends():
    with pytest.raises(ValueError, match="ended after 2 batches of an epoch of 3"):
        numbers(adapt(Fresh(2), steps=3), 1)  # in evaluate rows would count twice
    with pytest.raises(ValueError, match="ended after 1 batch of an epoch of 3"):
        numbers(adapt(iter(list(Fresh(4))), steps=3, restart=True), 2)
    with pytest.raises(ValueError, match="ended after 0 batches"):
        numbers(adapt(Fresh(0), steps=2, restart=True), 1)
    with pytest.raises(ValueError, match="can be read only once"):
        numbers(adapt(iter(list(Fresh(2)))), 2)
    with pytest.raises(ValueError, match="it has no batches"):
        adapt(Fresh(0)).example()


def test_none_is_no_end():
    with pytest.raises(ValueError, match="Batch 1 of the data is not compatible with the first"):
        changed(None)


def test_non_data_is_rejected():
    def batches():
        yield FIRST

    with pytest.raises(TypeError, match=r"the function 'batches'.*\n.*call it: fit\(batches\(\)"):
        adapt(batches)
    with pytest.raises(TypeError, match="TensorDataset, which yields single samples. Wrap it in"):
        adapt(torch.utils.data.TensorDataset(torch.tensor(X)))
    rows = Dataset.from_dict({"x": X}).to_iterable_dataset()
    with pytest.raises(TypeError, match="yields single values. Pass the dataset itself"):
        adapt(rows["x"])
    with pytest.raises(ValueError, match="y and sample_weight must be names of its columns"):
        adapt(rows, LABELS)
    with pytest.raises(ValueError, match="steps must be a positive integer"):
        adapt(iter([FIRST]), steps=0)


def test_infinite_data_needs_steps():
    class Endless(Batches):
        num_batches = None

        def __getitem__(self, index):
            return np.full((1, 1), index), np.zeros(1)

    with pytest.raises(ValueError, match="Endless is infinite .*steps_per_epoch"):
        adapt(Endless())
    assert numbers(adapt(Endless(), steps=3, shuffle=True), 2) == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="tf.data.Dataset is infinite .*steps_per_epoch"):
        adapt(tf.data.Dataset.from_tensors(FIRST).repeat())


def test_ragged_tensors():
    rows = tf.data.Dataset.from_tensor_slices((tf.ragged.constant([[1, 2], [3]]), [0, 1]))
    with pytest.raises(ValueError, match=r"x is a RaggedTensor of shape \(2, None\)(.|\n)*Pad it"):
        adapt(rows.batch(2)).example()
    with pytest.raises(ValueError, match="x is a RaggedTensor"):
        adapt(tf.ragged.constant([[1, 2], [3]]), [0, 1])
    padded = adapt(rows.batch(2).map(lambda x, y: (x.to_tensor(), y)))
    assert padded.first()[0].tolist() == [[1, 2], [3, 0]]


def test_tensors_of_torch():
    import jax.numpy as jnp

    half = torch.tensor([[1.5, -2.0]], dtype=torch.bfloat16, requires_grad=True)
    x = adapt(half.T, [0, 1]).structure[0]
    assert x.dtype == jnp.bfloat16 and x[:, 0].tolist() == [1.5, -2.0]
    assert adapt(torch.eye(2).to_sparse(), [0, 1]).structure[0].tolist() == [[1, 0], [0, 1]]


def test_dicts_bind_to_names_where_targets_are_among_them():
    batch = {"image": X[:2], "label": LABELS[:2], "sample_weight": np.ones(2), "id": LABELS[:2]}
    x, y, weight = adapt(iter([batch]), names=Names(("image",), ("kind",))).first()
    assert x.shape == (2, 3) and y.tolist() == LABELS[:2].tolist() and weight.tolist() == [1, 1]
    x, y, _ = adapt(iter([{"a": X[:2]}]), names=Names(("a",), ("kind",))).first()
    assert list(x) == ["a"] and y is None
    x, y, _ = adapt(iter([batch])).first()  # without known input names the whole dict is x
    assert list(x) == list(batch) and y is None


def test_generators_are_not_read_ahead():
    read = []

    def batches():
        for i in range(3):
            read.append(i)
            yield FIRST

    source = adapt(batches())
    assert isinstance(source, Stream) and source.first() and read == [0]
    running = source.batches()
    next(running), next(running)
    assert read == [0, 1]
