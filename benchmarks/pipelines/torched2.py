"""The pipelines of torch's DataLoader with two worker processes."""

from __future__ import annotations

from benchmarks.pipelines.torched import pipelines

__all__ = ["PIPELINES"]

PIPELINES = pipelines(2)
