"""Writes small models with an old Keras, as files of test data.

    python -m scripts.old_models keras-1.2.2-tensorflow [CASE ...]

The environment is one in which `import keras` imports the version and backend of that name, or
`import tf_keras`. Each environment has one archive in tests/saving/old_models, whose README says
what is in it. Given cases are replaced in it.
"""

import io
import json
import os
import sys
import traceback
import zipfile

import numpy as np

from scripts.old_models.environments import ENVIRONMENTS, load
from scripts.old_models.recording import record

HERE = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "saving", "old_models")


def main(name, only):
    environment = ENVIRONMENTS[name]
    path = os.path.join(HERE, name + ".zip")
    keras, backend = load(environment)
    cases = environment.cases()
    files, arrays, stored = read(path) if only else ({}, {}, [])
    for case in cases.values():
        if case.name not in (only or environment.names(cases)):
            continue
        try:
            written, numbers = record(case, keras, backend)
        except Exception:
            print(f"-- {case.name} failed")
            traceback.print_exc()
            continue
        print(case.name, flush=True)
        arrays = {k: v for k, v in arrays.items() if not k.startswith(case.name + "/")}
        stored += [case.name] if case.name not in stored else []
        files.update({case.name + end: data for end, data in written.items()})
        arrays.update({case.name + "/" + part: value for part, value in numbers.items()})
    stored = [name for name in cases if name in stored]
    files = {k: v for k, v in files.items() if k.partition(".")[0] in stored}
    arrays = {k: v for k, v in arrays.items() if k.partition("/")[0] in stored}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    files["reference.npz"] = stream.getvalue()
    about = {"version": keras.__version__, "backend": environment.backend, "cases": stored}
    files["about.json"] = json.dumps(about, indent=1).encode()
    if not os.path.isdir(HERE):
        os.makedirs(HERE)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in sorted(files.items()):
            # A fixed time, so that equal models make equal archives.
            archive.writestr(zipfile.ZipInfo(file), data, zipfile.ZIP_DEFLATED)


def read(path):
    """Returns the files, arrays and cases of an archive."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    arrays = dict(np.load(io.BytesIO(files["reference.npz"])))
    return files, arrays, json.loads(files["about.json"].decode())["cases"]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
