"""Programs that run in a separate Python process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_program(
    program: str,
    *arguments: object,
    env: Mapping[str, str] | None = None,
    strict: bool = True,
    check: bool = True,
    timeout: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Runs source text in a new Python process, and returns its output as text.

    Args:
        program: the source text.
        *arguments: what `sys.argv` holds behind the program.
        env: the whole environment, by default this one.
        strict: whether warnings are errors.
        check: whether it must end without an error.
        timeout: seconds after which it is killed.
    """
    done = subprocess.run(
        [
            *(sys.executable, *(("-W", "error") if strict else ())),
            *("-c", program, *map(str, arguments)),
        ],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0 or not check, (done.returncode, done.stderr[-3000:])
    return done


def environment_without(prefixes: Iterable[str]) -> dict[str, str]:
    """Returns the environment without the variables whose names begin with one of the prefixes."""
    return {name: x for name, x in os.environ.items() if not name.startswith(tuple(prefixes))}
