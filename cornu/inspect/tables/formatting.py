"""Numbers formatted for tables; '?' means unknown."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["format_bytes", "format_count", "format_flops", "format_seconds", "sum_known"]


def sum_known(parts: Iterable[int | None]) -> int | None:
    """Returns the sum of numbers; None if one of them is None.

    Example:

    >>> sum_known([1, 2]), sum_known([1, None])
    (3, None)
    """
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def format_count(count: int | None) -> str:
    """Returns a count with commas.

    Example:

    >>> format_count(1234567), format_count(None)
    ('1,234,567', '?')
    """
    return "?" if count is None else f"{count:,}"


def format_bytes(count: int | None) -> str:
    """Returns a number of bytes with a binary unit (1 KB is 1024 B).

    Example:

    >>> format_bytes(292), format_bytes(102_400), format_bytes(None)
    ('292 B', '100.00 KB', '?')
    """
    if count is None:
        return "?"
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KB", "MB", "GB", "TB"):
        size /= 1024
        if size < 1024 or unit == "TB":
            break
    return f"{size:.2f} {unit}"


def format_flops(count: float | None) -> str:
    """Returns a number of operations in thousands (K), millions (M) and so on.

    Example:

    >>> format_flops(72), format_flops(8_178_000_000), format_flops(None)
    ('72', '8.18 G', '?')
    """
    if count is None:
        return "?"
    if count < 1000:
        return f"{count:.0f}"
    size = float(count)
    for unit in ("K", "M", "G", "T", "P"):
        size /= 1000
        if size < 999.5 or unit == "P":
            break
    return f"{size:.3g} {unit}"


def format_seconds(seconds: float | None) -> str:
    """Returns a time in microseconds, milliseconds or seconds.

    Example:

    >>> format_seconds(0.00123), format_seconds(4.5e-05), format_seconds(None)
    ('1.23 ms', '45 µs', '-')
    """
    if seconds is None:
        return "-"
    if seconds < 9.995e-5:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
