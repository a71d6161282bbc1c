"""Programs that run in a separate Python process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]

# A program that runs once on small arrays takes longer to optimize than to run. Without LLVM's
# optimizations, and with the emitters of loops that are not based on MLIR, XLA compiles in a fifth
# of the time. The flags select how fused loops become machine code: for a small training step, the
# instructions of the optimized HLO, the donated buffers and the memory are the same without them.
QUICKLY_COMPILED = " ".join(
    (
        "--xla_backend_optimization_level=0",
        "--xla_cpu_use_fusion_emitters=false",
        "--xla_cpu_parallel_codegen_split_count=1",  # each of the two processes has its own core
    )
)


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
