"""Runs one program in a process of its own.

    python -m scripts.keras_programs.run_program LIBRARY PROGRAM OUTCOME [WEIGHTS_OF]

OUTCOME is the file to which the outcome is written, WEIGHTS_OF the file of an earlier outcome whose
initial weights the models get.
"""

import importlib
import pickle
import sys
from pathlib import Path

from scripts.keras_programs.execution import run

if __name__ == "__main__":
    library, name, path, *weights_of = sys.argv[1:]
    weights = pickle.loads(Path(weights_of[0]).read_bytes()).weights if weights_of else None
    outcome = run(name, importlib.import_module(library), weights)
    Path(path).write_bytes(pickle.dumps(outcome))
