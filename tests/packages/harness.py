"""Runs a program of a package on Keras or on cornu, and writes the results of its steps as JSON.

python -m tests.packages.harness cornu scikeras results.json
"""

import json
import os
import runpy
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


def main(library, program, results):
    os.environ.update(KERAS_BACKEND="jax", TF_CPP_MIN_LOG_LEVEL="3", MPLBACKEND="agg")
    if library == "cornu":
        import cornu

        cornu.install_as_keras()
    from tests.packages import steps

    target = Path(results).resolve()
    folder = Path(PROGRAMS, f"{program}.py")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        runpy.run_path(str(folder), run_name="__main__")
        os.chdir(PROGRAMS)
    report = {
        "library": library,
        "steps": steps.RESULTS,
        "seconds": time.perf_counter() - start,
        "modules_of_keras": modules_of_keras(),
    }
    target.write_text(json.dumps(report))


def modules_of_keras():
    """Returns the modules that were loaded from the files of the real Keras."""
    part = os.sep.join(["site-packages", "keras", ""])
    files = {name: str(getattr(module, "__file__", "")) for name, module in sys.modules.items()}
    return sorted(name for name, file in files.items() if part in file)


if __name__ == "__main__":
    main(*sys.argv[1:])
