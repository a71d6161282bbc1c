"""Runs programs with Keras and with cornu, and updates docs/programs.md.

python -m scripts.keras_programs [PROGRAM ...]
"""

import sys

from scripts.keras_programs import page
from scripts.keras_programs.comparison import compare
from scripts.keras_programs.execution import program_names

if __name__ == "__main__":
    names = sys.argv[1:] or program_names()
    if unknown := set(names) - set(program_names()):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}. Programs: {', '.join(program_names())}")
    results = page.load()
    for name in names:
        row = results[name] = compare(name)
        text = row.failure or f"losses {row.loss:.1e}, results {row.result or 0:.1e}"
        print(f"{name}: {text}{'' if row.is_equal else '  (not equal)'}", flush=True)
        page.store(results)
    print(page.table({name: results[name] for name in names}))
    sys.exit(any(not results[name].is_equal and not results[name].reason for name in names))
