"""Runs programs with Keras and with cornu: `python -m scripts.keras_programs [NAME ...]`

By default all of them. The results are stored, and docs/programs.md is made from them.
"""

import sys

from scripts.keras_programs import page
from scripts.keras_programs.comparison import compare
from scripts.keras_programs.execution import program_names

if __name__ == "__main__":
    names = sys.argv[1:] or program_names()
    if unknown := set(names) - set(program_names()):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}. Programs: {', '.join(program_names())}")
    rows = compare(names)
    page.store({**page.load(), **rows})
    print(page.table(rows))
    for name, row in rows.items():
        if not row.is_equal:
            print(f"{name}: {row.reason or row.failure or 'not equal'}")
    sys.exit(any(not row.is_equal and not row.reason for row in rows.values()))
