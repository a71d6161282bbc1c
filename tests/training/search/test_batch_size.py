"""find_batch_size: uses the compiler's estimate, and has no side effects."""

import jax
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.training import memory
from cornu.training.memory import find_available_memory
from cornu.training.search import batch_size
from cornu.training.step.program import Program
from tests.sampling import slow_except

X = np.random.default_rng(0).normal(size=(512, 16)).astype("float32")
Y = X[:, :4]


def model(optimizer="adam", **kwargs):
    cornu.utils.set_random_seed(1)
    found = cornu.Sequential(
        [cornu.Input((16,)), layers.Dense(64, "relu"), layers.Dropout(0.1), layers.Dense(4)]
    )
    found.compile(optimizer, "mse", **kwargs)
    return found


def needed(made, rows):
    """The memory of a step according to the compiler."""
    spec = (jax.ShapeDtypeStruct((rows, 16), "float32"), jax.ShapeDtypeStruct((rows, 4), "float32"))
    runner = made.trainer.programs.runner("train")
    program = Program(
        runner.step,
        made.trainer.touched_variables(),
        (*spec, None),
        False,
        made.trainer.random_sources(),
    )
    parts = program.lower(runner.key, (*spec, None)).compile().memory_analysis()
    return (
        parts.argument_size_in_bytes
        + parts.output_size_in_bytes
        - parts.alias_size_in_bytes
        + parts.temp_size_in_bytes
        + parts.generated_code_size_in_bytes
    )


def test_the_largest_that_fits():
    made = model()
    limit = X.nbytes + Y.nbytes
    made.find_batch_size(X, Y, largest=32)  # builds the optimizer
    limit += needed(made, 200)
    found = made.find_batch_size(X, Y, limit=limit)
    assert 184 <= found.best <= 200 and found.best % 8 == 0
    by_rows = {size.rows: size for size in found}
    assert by_rows[found.best].fits and by_rows[found.best].memory <= limit
    assert not by_rows[256].fits and by_rows[256].memory > limit and by_rows[256].seconds is None
    assert by_rows[found.best].memory == X.nbytes + Y.nbytes + needed(made, found.best)
    assert [size.rows for size in found] == sorted(by_rows) and len(found) == len(by_rows)
    smaller = made.find_batch_size(X, Y, start=512, limit=limit)
    assert 128 <= smaller.best <= 200 and not smaller[-1].fits


@pytest.mark.slow
def test_not_more_than_there_are():
    made = model()
    assert made.find_batch_size(X[:100], Y[:100]).best == 100
    assert made.find_batch_size(X, Y, largest=48).best == 48
    assert made.find_batch_size(X[:8], Y[:8]).best == 8
    batches = ((X[i : i + 4], Y[i : i + 4]) for i in range(0, 512, 4))
    assert made.find_batch_size(batches, largest=64).best == 64


def test_the_fastest_is_measured(monkeypatch):
    made = model()
    monkeypatch.setattr(batch_size, "_SECONDS_PER_SIZE", 0.0)
    found = made.find_batch_size(X, Y, start=8, largest=64, target="speed")
    assert [size.rows for size in found][:2] == [8, 16] and found.best in (8, 16, 32, 64)
    assert all(size.rows_per_second == size.rows / size.seconds for size in found)

    # Twice as large is twice as slow from 16 rows on.
    monkeypatch.setattr(batch_size._Measurements, "_time", lambda *args: max(args[-1], 16) / 1000)
    assert made.find_batch_size(X, Y, start=4, target="speed").best == 16
    limit = X.nbytes + Y.nbytes + needed(made, 12)
    found = made.find_batch_size(X, Y, start=32, target="speed", limit=limit)
    assert found.best == 8 and [s.rows for s in found if s.fits] == [8]


@pytest.mark.parametrize("target", slow_except(["memory", "speed"], 1))
def test_nothing_is_changed(target):
    results = []
    for tested in (False, True):
        made = model(cornu.optimizers.SGD(cornu.optimizers.schedules.CosineDecay(0.1, 40)))
        for _ in range(2):
            if tested:
                made.find_batch_size(X, Y, start=16, largest=32, target=target)
            made.fit(X, Y, verbose=0)
        results.append(
            [made.history.history, *(np.asarray(v) for v in made.trainer.touched_variables())]
        )
    for a, b in zip(*results, strict=True):
        np.testing.assert_equal(a, b)


def test_the_table():
    found = model().find_batch_size(X, Y, start=16, largest=32, target="speed", limit=1 << 30)
    text = str(found)
    assert "Available memory: 1.00 GB" in text and f"Best batch size: {found.best}" in text
    assert all(word in text for word in ("Batch size", "Memory", "Step", "Rows/s", "best"))
    assert f"best {found.best}" in repr(found) and "Rows/s" in found._repr_html_()
    assert "Rows/s" not in str(model().find_batch_size(X, Y, largest=32))


def test_how_much_memory_there_is(monkeypatch, tmp_path):
    variables = model().variables
    assert 0 < find_available_memory(variables, "") < 1 << 50

    class Device:
        def memory_stats(self):
            return {"bytes_limit": 1000, "bytes_in_use": 400}

    class Stored:
        nbytes = 100

        def devices(self):
            return {Device()}

    class Held:
        stored = Stored()

    assert find_available_memory([Held(), Held()], "") == int(0.9 * 800)
    monkeypatch.setattr(Device, "memory_stats", lambda self: None)
    monkeypatch.setattr(memory, "_free_host_memory", lambda: None)
    with pytest.raises(ValueError, match="The memory of .* is unknown"):
        find_available_memory([Held()], "find_batch_size(limit=8)")


def test_unknown_names_raise():
    made = model()
    with pytest.raises(ValueError, match="of a single row needs .* 100 B is available"):
        made.find_batch_size(X, Y, limit=100)
    with pytest.raises(ValueError, match="Unknown target 'sped'. Did you mean 'speed'"):
        made.find_batch_size(X, Y, target="sped")
    with pytest.raises(ValueError, match="largest must be a positive integer"):
        made.find_batch_size(X, Y, largest=0)
    with pytest.raises(ValueError, match="runs eagerly"):
        model(run_eagerly=True).find_batch_size(X, Y)
