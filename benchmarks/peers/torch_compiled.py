"""PyTorch with `torch.compile`: the programs of `torched`, whose models are compiled."""

from __future__ import annotations

import torch

from benchmarks.peers.torched import sessions

__all__ = ["SESSIONS"]

SESSIONS = sessions(torch.compile)
