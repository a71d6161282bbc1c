"""An attack: a row of the table, and the judgment of one round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = ["VERDICTS", "Attack", "Attempt", "Outcome", "Verdict", "judge"]

Verdict = Literal["right", "refused", "wrong", "raw", "crash", "hang", "memory", "broken"]

VERDICTS: dict[Verdict, str] = {
    "right": "everything is as it would be without the attack",
    "refused": "an error of a built-in type that says what is wrong",
    "wrong": "silently wrong: a wrong result, or something accepted that must be refused",
    "raw": "an error that explains nothing, such as an IndexError from the inside",
    "crash": "the process ended",
    "hang": "no result within the limit of time",
    "memory": "more memory than the limit",
    "broken": "the attack itself failed before it began",
}

# Prepares a round in an empty folder, and returns the function whose outcome is judged. It raises
# AssertionError for a wrong result.
Attempt = Callable[[], object]
Program = Callable[[Path, int], Attempt]

# Types whose message is meant for the user. `UnicodeError` is a ValueError of Python's codecs.
_EXPLAINED = (ValueError, TypeError, RuntimeError, NotImplementedError, OSError, ImportError)
_SHORTEST = 20  # characters of a message that explains something


class Attack(NamedTuple):
    """An attack.

    Attributes:
        name: a short description, unique in the table.
        kind: what belongs together in the report.
        target: what is attacked.
        program: prepares a round.
        expected: the verdicts that are no failure.
        rounds: how many rounds the long form runs; their numbers are seeds. With `signal`, how many
            signals are sent.
        quick: rounds of the quick form.
        seconds: for one round.
        megabytes: by which a round may increase the memory of the process.
        signal: if given, a signal that is sent to the process at a random instant. The process is
            restarted until it finishes, and its result is compared with that of an undisturbed
            run.
        copies: how many processes run it in one folder at once.
    """

    name: str
    kind: str
    target: str
    program: Program
    expected: tuple[Verdict, ...] = ("right",)
    rounds: int = 1
    quick: int = 0
    seconds: float = 30.0
    megabytes: float = 500.0
    signal: int = 0
    copies: int = 1


class Outcome(NamedTuple):
    """What became of a round.

    Attributes:
        attack, number: the name of the attack and the number of the round.
        verdict: see `VERDICTS`.
        details: the message of the error, or what is wrong.
        seconds: of the attempt.
        megabytes: the increase of the memory's peak.
        signals: how many processes were sent a signal.
    """

    attack: str
    number: int
    verdict: Verdict
    details: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
    signals: int = 0


def judge(attempt: Attempt, expected: tuple[Verdict, ...]) -> tuple[Verdict, str, object]:
    """Runs an attempt; returns the verdict, details, and what the attempt returned."""
    try:
        result = attempt()
    except AssertionError as error:
        return "wrong", str(error) or "a check failed", None
    except MemoryError as error:
        return "memory", str(error), None
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        explained = isinstance(error, _EXPLAINED) and not isinstance(error, UnicodeError)
        return "refused" if explained and len(str(error)) >= _SHORTEST else "raw", text, None
    if "right" not in expected:
        return "wrong", "it was accepted", result
    return "right", "", result
