"""Compares cornu with Keras for all combinations of arguments in the tables.

Usage: `python -m scripts.compare_arguments [PATTERN ...]`, with patterns such as "layers.Conv*".
Prints each difference that is not known, and writes how many combinations are the same to
`tests/conformance/arguments/counts.json`, for docs/compatibility/arguments.md. The tests compare a
sample. Needs Keras, with the JAX backend.
"""

from __future__ import annotations

import fnmatch
import json
import os
import sys
import time
import warnings
from collections import Counter

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("CORNU_COMPILATION_CACHE", "off")
# Programs run once, on small arrays: see tests/conftest.py.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false "
    "--xla_cpu_parallel_codegen_split_count=1",
)

from tests.conformance.arguments.catalog import subjects
from tests.conformance.arguments.counts import load, store
from tests.conformance.arguments.subject import Subject, format_options


def compare(subject: Subject) -> Counter[str]:
    """Compares all combinations of a subject; prints the differences."""
    found: Counter[str] = Counter()
    for combination in subject.combinations():
        try:
            outcome: str = subject.compare(combination)
        except AssertionError as difference:
            outcome = "differs"
            print(f"{subject.path}({format_options(combination)})\n    {difference}", flush=True)
        found[outcome] += 1
        if outcome == "refused" and "--refused" in sys.argv:
            print(f"{subject.path}({format_options(combination)}): refused by both", flush=True)
    return found


def main(patterns: list[str]) -> int:
    """Compares the subjects whose names match a pattern; returns how many differ."""
    chosen = [s for s in subjects() if any(fnmatch.fnmatchcase(s.path, p) for p in patterns)]
    counts: dict[str, Counter[str]] = {}
    start = time.perf_counter()
    for subject in chosen:
        begin = time.perf_counter()
        found = compare(subject)
        counts[subject.path] = counts.get(subject.path, Counter()) + found
        took = time.perf_counter() - begin
        print(f"{subject.path}: {json.dumps(found)} in {took:.1f} s", flush=True)
    store(counts if patterns == ["*"] else {**load(), **counts})
    total: Counter[str] = sum(counts.values(), Counter())
    took = time.perf_counter() - start
    print(f"{len(counts)} names, {total.total()} combinations: {json.dumps(total)} in {took:.0f} s")
    return total["differs"]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main([a for a in sys.argv[1:] if not a.startswith("--")] or ["*"]) > 0)
