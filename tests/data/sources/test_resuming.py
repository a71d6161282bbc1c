"""Sources report their position before every batch; a new one resumes there exactly."""

import json

import grain
import numpy as np
import pytest
import tensorflow as tf
import torch
from datasets import Dataset

from cornu.data import adapt
from tests.data.many import LABELS, Batches, X

BATCH, EPOCHS = 8, 3


class Reordered(Batches):
    """Shuffles its indices at the end of each epoch, as many do."""

    def __init__(self):
        super().__init__()
        self.order = np.arange(len(X))

    def __getitem__(self, index):
        rows = self.order[8 * index : 8 * index + 8]
        return X[rows], LABELS[rows]

    def on_epoch_end(self):
        np.random.shuffle(self.order)


class Loader:
    """A loader with a state, as in torchdata: the next iterator resumes from it."""

    def __init__(self):
        self.next, self.begin = 0, 0

    def __iter__(self):
        self.next, self.begin = self.begin, 0
        while self.next < 4:
            rows = slice(8 * self.next, 8 * self.next + 8)
            self.next += 1
            yield X[rows], LABELS[rows]

    def state_dict(self):
        return {"next": self.next}

    def load_state_dict(self, state):
        self.begin = state["next"]


def grains():
    rows = grain.MapDataset.source([*zip(X, LABELS, strict=True)]).seed(5)
    return rows.shuffle().batch(BATCH)


def pipeline(seed=3):
    rows = tf.data.Dataset.from_tensor_slices((X, LABELS))
    return rows.shuffle(10, seed=seed, reshuffle_each_iteration=True).batch(BATCH)


def loader():
    return grain.DataLoader(
        data_source=[*zip(X, LABELS, strict=True)],
        sampler=grain.samplers.IndexSampler(
            len(X), grain.sharding.NoSharding(), shuffle=True, num_epochs=1, seed=4
        ),
        operations=[grain.transforms.Batch(BATCH)],
    )


EXACT = {
    "arrays": lambda steps: adapt(X, LABELS, None, BATCH, steps, True, 7, restart=True),
    "PyDataset": lambda steps: adapt(Batches(), steps=steps, shuffle=True, seed=7, restart=True),
    "PyDataset with hooks": lambda steps: adapt(Reordered(), steps=steps, seed=7, restart=True),
    "PyDataset, threads": lambda steps: adapt(
        Batches(workers=2), steps=steps, shuffle=True, seed=7, restart=True
    ),
    "grain MapDataset": lambda steps: adapt(grains(), steps=steps, restart=True),
    "grain IterDataset": lambda steps: adapt(grains().to_iter_dataset(), steps=steps, restart=True),
    "grain DataLoader": lambda steps: adapt(loader(), steps=steps, restart=True),
    "tf.data": lambda steps: adapt(pipeline(), steps=steps, restart=True),
    "with state_dict": lambda steps: adapt(Loader(), steps=steps, restart=True),
    "datasets": lambda steps: adapt(
        Dataset.from_dict({"x": X, "y": LABELS}), None, None, BATCH, steps, True, 7, restart=True
    ),
    "datasets, iterable": lambda steps: adapt(
        Dataset.from_dict({"x": X, "y": LABELS}).to_iterable_dataset(),
        None,
        None,
        BATCH,
        steps,
        restart=True,
    ),
}


def bits(batch):
    return [np.asarray(part).tobytes() for part in batch if part is not None]


@pytest.mark.parametrize("steps", [None, 3], ids=["passes", "steps"])
@pytest.mark.parametrize("name", EXACT)
def test_a_fresh_source_goes_on_from_every_batch(name, steps):
    source = EXACT[name](steps)
    assert source.resumes == "batch"
    source.example()
    places, whole = [(0, 0, source.state())], []
    for epoch in range(EPOCHS):
        for step, batch in enumerate(source.batches(epoch), 1):
            whole.append(bits(batch))
            if step < (steps or 4):
                places.append((epoch, step, source.state()))
        places.append((epoch + 1, 0, source.state()))
    source.close()
    assert len(whole) == EPOCHS * (steps or 4)

    for epoch, step, state in places:
        fresh = EXACT[name](steps)
        fresh.example()  # building a model reads the first batch
        fresh.restore(json.loads(json.dumps(state)), epoch, step)
        rest = []
        for later in range(epoch, EPOCHS):
            rest += map(bits, fresh.batches(later, step if later == epoch else 0))
        fresh.close()
        done = epoch * (steps or 4) + step
        assert rest == whole[done:], (epoch, step)


def _in_any_order():
    options = tf.data.Options()
    options.deterministic = False
    return options


@pytest.mark.parametrize(
    "data",
    [
        lambda: ((X, LABELS) for _ in range(3)),
        lambda: pipeline(seed=None),
        lambda: pipeline().with_options(_in_any_order()),
        lambda: Dataset.from_dict({"x": X}).to_iterable_dataset().shuffle(seed=1),
        lambda: torch.utils.data.DataLoader(X, 8),
        lambda: (
            [(X, LABELS)]
            and tf.data.Dataset.from_generator(
                lambda: iter([X[:8], X[8:16]]), output_signature=tf.TensorSpec((8, 3))
            )
        ),
    ],
    ids=[
        "generator",
        "tf.data without a seed",
        "tf.data in any order",
        "datasets, shuffled in a buffer",
        "torch",
        "tf.data of a generator",
    ],
)
def test_unrepeatable_sources_are_reported(data):
    assert adapt(data(), steps=2).resumes == "epoch"
