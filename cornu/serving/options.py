"""The options of a server."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ServingOptions"]


@dataclass(frozen=True, kw_only=True)
class ServingOptions:
    """Limits and settings of a server.

    Attributes:
        version: the version of the model, as clients see it.
        max_batch_size: the largest number of rows that are computed together, and of a request.
        max_delay: seconds for which a request waits for others to be computed with.
        max_requests: the largest number of requests that are answered at the same time.
        max_body_bytes: the largest size of a request.
        max_json_bytes: the largest size of its JSON, which takes many times as much memory.
        max_shapes: the largest number of shapes that are compiled.
        read_timeout: seconds within which a request must arrive.

    Example:

    >>> import cornu
    >>> options = cornu.serving.ServingOptions(max_batch_size=8, max_delay=0.002)
    >>> options.max_batch_size, options.version
    (8, '1')
    """

    version: str = "1"
    max_batch_size: int = 64
    max_delay: float = 0.0
    max_requests: int = 64
    max_body_bytes: int = 64 * 2**20
    max_json_bytes: int = 8 * 2**20
    max_shapes: int = 64
    read_timeout: float = 30.0

    def __post_init__(self) -> None:
        """Raises ValueError for limits that admit no request."""
        for name in ("max_batch_size", "max_requests", "max_body_bytes", "max_json_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Received: {getattr(self, name)}")
        if self.max_shapes < 1 or self.max_delay < 0 or self.read_timeout <= 0:
            raise ValueError(
                "max_shapes must be at least 1, max_delay not negative and read_timeout positive. "
                f"Received: {self.max_shapes}, {self.max_delay}, {self.read_timeout}"
            )
