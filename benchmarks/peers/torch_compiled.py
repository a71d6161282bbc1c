"""PyTorch with `torch.compile`: the programs of `torched`, whose models are compiled."""

from __future__ import annotations

import torch

from benchmarks.peers import PEERS
from benchmarks.peers.torched import sessions

__all__ = ["SESSIONS"]

_LEFT_OUT = PEERS["torch.compile"].leaves_out
SESSIONS = {task: run for task, run in sessions(torch.compile).items() if task not in _LEFT_OUT}
