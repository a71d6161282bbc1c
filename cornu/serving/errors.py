"""Errors that a client receives."""

from __future__ import annotations

__all__ = ["RequestError"]


class RequestError(Exception):
    """A request that is answered with an error.

    Args:
        status: the status of HTTP.
        reason: what is wrong, and what to do.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
