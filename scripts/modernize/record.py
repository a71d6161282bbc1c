"""Runs a program with a dialect or with today's API, and records the losses of all its training.

    python -m scripts.modernize.record RESULT.json PROGRAM keras1|keras2|keras3 [--weights FILE.npz]

The seed is the same at the start of every program and of each call that trains, so that initial
weights, the order of rows, dropout and noise are the same where both compute them alike. With
`--weights`, each model starts with the weights that were stored by a first run, which writes the
file if it does not exist, and without dropout and noise.
"""

import json
import runpy
import sys
from pathlib import Path

import numpy as np

from cornu import compat, utils
from cornu.core.layer.walk import nested_layers
from cornu.dialects import keras1, keras2
from cornu.models.training_methods import TrainingMethods

RATES = ("rate", "stddev", "dropout", "recurrent_dropout")
INSTALL = {"keras1": keras1.install, "keras2": keras2.install, "keras3": compat.install_as_keras}


class Recorder:
    """Records losses, and sets seeds and weights before training.

    Args:
        weights: the file of initial weights, or None for those of the seed.
    """

    def __init__(self, weights):
        self.losses = []
        self.weights = weights
        self.known = {}
        self.stored = dict(np.load(weights)) if weights and weights.exists() else {}

    def prepare(self, model):
        """Sets the seed, and the weights of a model that has not been trained."""
        state = np.random.get_state()
        utils.set_random_seed(len(self.losses) + 1)
        np.random.set_state(state)
        if self.weights is None or id(model) in self.known or not model.built:
            return
        number = len(self.known)
        self.known[id(model)] = model
        for layer in nested_layers(model):
            for rate in RATES:
                owner = getattr(layer, "cell", layer)
                if isinstance(vars(owner).get(rate), float):
                    setattr(owner, rate, 0.0)
        variables = sorted(model.weights, key=lambda v: (tuple(v.shape), v.path.rsplit("/")[-1]))
        for i, variable in enumerate(variables):
            key = f"{number}_{i}"
            if key in self.stored:
                variable.assign(self.stored[key])
            else:
                self.stored[key] = variable.numpy()

    def wrap(self):
        """Replaces the training methods of all models."""
        fit, train_on_batch = TrainingMethods.fit, TrainingMethods.train_on_batch

        def new_fit(model, *args, **kwargs):
            self.prepare(model)
            history = fit(model, *args, **kwargs)
            found = history.history
            self.losses += [float(x) for key in ("loss", "val_loss") for x in found.get(key, [])]
            return history

        def new_train_on_batch(model, *args, **kwargs):
            self.prepare(model)
            value = train_on_batch(model, *args, **kwargs)
            self.losses.append(float(np.ravel(value)[0]))
            return value

        TrainingMethods.fit, TrainingMethods.train_on_batch = new_fit, new_train_on_batch


def main():
    out, program, dialect = sys.argv[1:4]
    weights = Path(sys.argv[5]) if "--weights" in sys.argv else None
    INSTALL[dialect]()
    recorder = Recorder(weights)
    recorder.wrap()
    utils.set_random_seed(0)
    sys.argv = [program]
    found = runpy.run_path(program, run_name="__main__")
    # Programs with a loop of their own keep their losses in a list.
    own = found.get("losses")
    own = [x for x in own if isinstance(x, (float, np.floating))] if isinstance(own, list) else []
    losses = recorder.losses or [float(x) for x in own]
    if weights and not weights.exists():
        np.savez(weights, **recorder.stored)
    Path(out).write_text(json.dumps({"losses": losses}))


if __name__ == "__main__":
    main()
