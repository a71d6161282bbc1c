"""The cost of saving resume states: ResNet-18 trained with and without `resume`, in turns.

`python -m benchmarks.resume` prints a row of a table. A round is some steps without states, and as
many with three: one at the beginning, which is written beside the steps, two at the end, which are
waited for. The cost of a state is a third of the median difference.
"""

from __future__ import annotations

import argparse
import tempfile
from statistics import median
from time import perf_counter

import numpy as np

__all__ = ["main"]

_EVERY = 100  # steps between two states, for the percentage


def main() -> None:
    """Measures and prints."""
    import cornu

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    given = parser.parse_args()
    cornu.utils.set_random_seed(0)
    model = cornu.applications.ResNet18(weights=None, input_shape=(32, 32, 3), classes=10)
    model.compile(cornu.optimizers.Adam(), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32 * given.steps, 32, 32, 3)).astype("float32")
    y = rng.integers(0, 10, len(x))

    def run(resume: cornu.Resume | None) -> float:
        began = perf_counter()
        model.fit(x, y, batch_size=32, verbose=0, resume=resume)
        return perf_counter() - began

    run(None)
    plain, kept = [], []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            plain.append(run(None))
            kept.append(run(cornu.Resume(folder, every=1 << 30)))
    step = median(plain) / given.steps
    states = 3
    cost = (median(kept) - median(plain)) / states
    size = sum(v.stored.nbytes for v in (*model.variables, *model.optimizer.variables))
    print("| model | state, MB | step, ms | cost of a state, ms | at one in 100 steps |")
    print("| --- | --- | --- | --- | --- |")
    share = 100 * cost / (_EVERY * step)
    print(
        f"| ResNet-18, batch 32, Adam | {size / 1e6:.0f} | {1e3 * step:.0f} | {1e3 * cost:.0f} "
        f"| {share:.2f} % |"
    )


if __name__ == "__main__":
    main()
