"""The process of one peer: answers each line of its input, `verb case`, with one line of JSON."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.gpu.cases import CASES

__all__ = ["PEERS", "main"]

# The package, the module with the Session, and the environment.
_SHARED = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # all peers have memory at the same time
PEERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "cornu": ("cornu", "benchmarks.gpu.layered", _SHARED),
    "jax": ("jax", "benchmarks.gpu.plain", _SHARED),
    "torch.compile": ("torch", "benchmarks.gpu.torched", {}),
    "keras-jax": ("keras", "benchmarks.gpu.layered", {**_SHARED, "KERAS_BACKEND": "jax"}),
}
_CALLS = 200


class Worker:
    """What one process does."""

    def __init__(self, peer: str, tiny: bool) -> None:
        package, sessions, _ = PEERS[peer]
        self.module = importlib.import_module(package)
        self.sessions = importlib.import_module(sessions)
        self.tiny = tiny
        self.session: Any = None

    def device(self) -> dict[str, Any]:
        """Returns the name of the device, and the version of the peer."""
        if self.module.__name__ == "torch":
            name = "cpu"
            if self.module.cuda.is_available():
                name = self.module.cuda.get_device_name()
        else:
            name = importlib.import_module("jax").devices()[0].device_kind
        return {"device": name, "version": self.module.__version__}

    def prepare(self, name: str) -> dict[str, Any]:
        """Builds a model and trains two epochs; the first includes compilation."""
        self.session = None
        gc.collect()
        self.session = self.sessions.Session(CASES[name], self.tiny, self.module)
        begin = perf_counter()
        losses = [self.session.epoch()]
        first = perf_counter() - begin
        losses.append(self.session.epoch())
        return {"losses": losses, "first": self.session.building + first}

    def measure(self, name: str) -> dict[str, Any]:
        """Returns seconds of a step, of each epoch, and of a prediction."""
        steps = []
        for _ in range(1 if self.tiny else CASES[name].rounds):
            begin = perf_counter()
            self.session.epoch()
            steps.append((perf_counter() - begin) / self.session.batches)
        answer: dict[str, Any] = {"steps": steps}
        if CASES[name].predicts:
            calls = []
            for _ in range(5 if self.tiny else _CALLS):
                begin = perf_counter()
                self.session.predict()
                calls.append(perf_counter() - begin)
            answer["predict"] = median(calls[1:])
        return answer


def main(peer: str, size: str) -> None:
    """Answers until the input ends."""
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(peer, size == "tiny")
    verbs: dict[str, Any] = {"prepare": worker.prepare, "measure": worker.measure}
    print(json.dumps(worker.device()), file=answers, flush=True)
    for line in sys.stdin:
        verb, name = line.split()
        print(json.dumps(verbs[verb](name)), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
