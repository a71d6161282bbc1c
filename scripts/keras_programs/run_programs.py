"""Runs programs with one library; the arguments are LIBRARY FOLDER NAME ...

The outcome of each program, or the traceback of its error, is written to FOLDER/LIBRARY/NAME. If
FOLDER/keras/NAME exists, its initial weights are those of the models.
"""

import importlib
import pickle
import sys
import traceback
from pathlib import Path

import jax

from scripts.keras_programs.execution import Outcome, run

if __name__ == "__main__":
    library_name, folder, *names = sys.argv[1:]
    library = importlib.import_module(library_name)
    target = Path(folder) / library_name
    target.mkdir()
    for name in names:
        reference = Path(folder) / "keras" / name
        before = pickle.loads(reference.read_bytes()) if reference.exists() else None
        result: Outcome | str
        try:
            result = run(name, library, before.weights if isinstance(before, Outcome) else None)
        except Exception:
            result = traceback.format_exc()
        (target / name).write_bytes(pickle.dumps(result))
        print(f"{name} ran with {library_name}", flush=True)
        # As in a process of its own, the next program compiles everything, and counts names from 0.
        library.utils.clear_session()
        jax.clear_caches()
