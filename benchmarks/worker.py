"""The process of one peer and one task: answers each line of its input with one round.

Nothing but the standard library is imported before the peer is, whose import may be the task.
"""

from __future__ import annotations

import importlib
import json
import operator
import os
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from benchmarks.peers import PEERS, Peer, Round
from benchmarks.tasks import TASKS


def load(peer: Peer) -> Any:
    """Returns the peer's module with its usual parts loaded."""
    module = importlib.import_module(peer.package)
    operator.attrgetter(*peer.uses)(module)
    return module


def importing(peer: Peer) -> Iterator[Round]:
    """Seconds to import a peer."""
    begin = perf_counter()
    load(peer)
    yield Round([perf_counter() - begin])


def session(task: str, peer: Peer, quick: bool) -> Iterator[Round]:
    """Returns the rounds of a task."""
    if task == "import":
        return importing(peer)
    module = load(peer)
    sessions = importlib.import_module(peer.sessions).SESSIONS
    return sessions[task](module, TASKS[task].quick if quick else TASKS[task].full)


def main(task: str, peer: str, size: str) -> None:
    """Runs rounds until the input ends."""
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    rounds = session(task, PEERS[peer], size == "quick")
    for _ in sys.stdin:
        print(json.dumps(next(rounds)), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
