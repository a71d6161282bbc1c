"""The command `cornu launch`: its arguments, and what they mean."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cornu.launcher.environment import Settings, count_gpus, free_address
from cornu.launcher.job import Job
from cornu.launcher.output import Output

__all__ = ["add_arguments", "run"]

_WORKER = "cornu.distribution.job.worker"
_DISTRIBUTIONS = ("data", "fsdp", "pipeline", "sequence", "tensor", "none")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `cornu launch` to a parser."""
    parser.add_argument(
        "-n",
        "--processes",
        type=_positive,
        help="the number of processes; without it, this process joins the cluster (SLURM, "
        "Kubernetes, MPI, ...) in whose job it runs",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=60.0,
        help="seconds after which a lost or hung process ends the job (60)",
    )
    parser.add_argument(
        "--devices-per-process",
        type=_positive,
        help="GPUs of each process (all GPUs divided by the number of processes), or virtual "
        "devices on CPU (1)",
    )
    parser.add_argument(
        "--distribution",
        choices=_DISTRIBUTIONS,
        default="data",
        help="the distribution of models unless the program sets one (data)",
    )
    parser.add_argument(
        "--output",
        choices=("all", "first"),
        default="all",
        help="whether the output of all processes is shown, or that of process 0 and errors",
    )
    parser.add_argument("--log-dir", help="directory for the whole output of each process")
    parser.add_argument(
        "-m", dest="module", action="store_true", help="the program is the name of a module"
    )
    parser.add_argument("program", help="the program: a file, or a module with -m")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the program")


def run(options: argparse.Namespace) -> int:
    """Runs `cornu launch`; returns the exit status of the job."""
    problem = _find_problem(options)
    if problem:
        print(f"cornu launch: {problem}", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", _WORKER]
    command += ["--distribution", options.distribution]
    command += ["-m"] * options.module + [options.program, *options.arguments]
    if options.processes is None:
        sys.stdout.flush()
        environment = {**os.environ, "CORNU_TIMEOUT": str(options.timeout)}
        os.execve(command[0], command, environment)
    settings = Settings(
        options.processes, free_address(), options.timeout, options.devices_per_process
    )
    output = Output(options.processes, options.output == "first", options.log_dir)
    with output:
        return Job(command, settings, output).run()


def _find_problem(options: argparse.Namespace) -> str | None:
    """Returns why the job cannot be started, or None."""
    if os.name != "posix":
        return "it needs a POSIX system (Linux, macOS)."
    if not options.module and not Path(options.program).is_file():
        return f"file {options.program!r} does not exist"
    if options.processes is None:
        return None
    gpus = count_gpus(os.environ)
    needed = options.processes * (options.devices_per_process or 1)
    if 0 < gpus < needed:
        return (
            f"{options.processes} processes need {needed} GPUs, and this machine has {gpus}.\n"
            f"Pass -n {max(1, gpus // (options.devices_per_process or 1))}, or set "
            "JAX_PLATFORMS=cpu to run on CPU."
        )
    return None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, received {text!r}")
    return seconds
