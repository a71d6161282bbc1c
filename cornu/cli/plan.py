"""`cornu plan`: compares ways to train a model on many devices."""

from __future__ import annotations

import argparse
import importlib
import sys

from cornu.cli.command import Command

__all__ = ["COMMAND"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a program that creates and compiles a model")
    parser.add_argument("--devices", type=int, required=True, help="the number of devices")
    parser.add_argument("--chip", default="h100", help="the chip, such as h100 or tpu-v5e")
    parser.add_argument("--batch", type=int, help="rows per step on all devices; 8 per device")
    parser.add_argument("--model", help="the name of the model, or of a function that returns it")
    parser.add_argument("--layouts", nargs="+", help="the layouts, such as data fsdp 'tensor 8'")


def _run(chosen: argparse.Namespace) -> int:
    program = importlib.import_module("cornu.cli.planned_program")
    planner = importlib.import_module("cornu.distribution.planning.planner")
    try:
        model = program.find_model(chosen.file, chosen.model)
        found = planner.plan(
            model, chosen.devices, chosen.chip, chosen.batch, layouts=chosen.layouts
        )
    except ValueError as error:
        print(f"cornu plan: {error}", file=sys.stderr)
        return 2
    print(found)
    return 0 if found.best is not None else 1


COMMAND = Command("plan", "compare ways to train a model on many devices", _add_arguments, _run)
