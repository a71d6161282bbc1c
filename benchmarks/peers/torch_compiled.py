"""PyTorch with `torch.compile`: the programs of `torched`, whose models are compiled."""

from __future__ import annotations

import torch

from benchmarks.peers import PEERS
from benchmarks.peers.torched import sessions

__all__ = ["SESSIONS"]

_TASKS = PEERS["torch.compile"].only
SESSIONS = {task: run for task, run in sessions(torch.compile).items() if task in _TASKS}
