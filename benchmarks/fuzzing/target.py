"""A target of fuzzing, and the judgment of one input."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from tests.saving.watch import nothing_but

__all__ = ["VERDICTS", "Case", "Failure", "Target", "Verdict", "judge"]

Verdict = Literal["read", "refused", "wrong", "escape", "raw", "memory", "slow", "hang", "crash"]

VERDICTS: dict[Verdict, str] = {
    "read": "the file was read, and what was read is what it holds",
    "refused": "a ValueError, or a FileNotFoundError for a missing shard",
    "wrong": "silently wrong: other numbers than the file holds, or than were saved",
    "escape": "something was imported, opened, executed or connected to",
    "raw": "an error of another type",
    "memory": "more than 100 MB",
    "slow": "more than 1 s of CPU",
    "hang": "no result within 10 s",
    "crash": "the process ended",
}


class Case(NamedTuple):
    """One input.

    Attributes:
        description: what was changed.
        read: reads it. It raises AssertionError for a wrong result.
        paths: the files that it may open.
    """

    description: str
    read: Callable[[], object]
    paths: tuple[Path, ...] = ()


class Target(NamedTuple):
    """What is read.

    Attributes:
        name: unique in the table.
        open: prepares the good files in an empty folder, and returns the function that makes an
            input from its number.
        share: of all inputs, relative to that of other targets.
        count: how many inputs there are; None if any number.
    """

    name: str
    open: Callable[[Path], Callable[[int], Case]]
    share: float = 1.0
    count: Callable[[], int] | None = None


class Failure(NamedTuple):
    """An input that has another outcome than to be read or refused."""

    target: str
    number: int
    verdict: Verdict
    description: str
    details: str
    seconds: float = 0.0
    megabytes: float = 0.0


def judge(case: Case) -> tuple[Verdict, str]:
    """Reads an input; returns the verdict and details."""
    try:
        with nothing_but(*case.paths), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case.read()
    except AssertionError as error:
        text = str(error)
        return ("escape" if text.startswith(("while ", "reading ")) else "wrong"), text
    except MemoryError as error:
        return "memory", str(error)
    except (ValueError, FileNotFoundError) as error:
        if isinstance(error, UnicodeError):
            return "raw", f"{type(error).__name__}: {error}"
        return "refused", str(error)
    except Exception as error:
        return "raw", f"{type(error).__name__}: {error}"
    return "read", ""
