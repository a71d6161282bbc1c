"""Fuzzing that coverage guides: `python -m benchmarks.fuzzing.guided -runs=100000 FOLDER`.

It needs `atheris`, which is not one of the extras of cornu. The folder receives inputs that reach
new code, and is created with the good files if it is missing. The options are those of libFuzzer.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import tempfile
from pathlib import Path

from benchmarks.fuzzing.files import GoodFiles, read_all

__all__ = ["main"]

_SUFFIXES = (".keras", ".weights.h5", ".npz", ".safetensors")


def main() -> None:
    """Reads inputs until the options of libFuzzer end it; an unexpected error ends it as well."""
    import atheris

    for module in [m for name, m in sys.modules.items() if name.startswith("cornu.saving")]:
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                atheris.instrument_func(function)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_good_files(folder)

        def read(data: bytes) -> None:
            suffix = _SUFFIXES[data[0] % len(_SUFFIXES)] if data else ".npz"
            path = folder / f"input{suffix}"
            path.write_bytes(data[1:])
            with contextlib.suppress(ValueError):
                read_all(path)

        atheris.Setup(sys.argv, read)
        atheris.Fuzz()


def _write_good_files(folder: Path) -> None:
    corpus = Path(sys.argv[-1])
    if corpus.suffix or corpus.is_dir() or sys.argv[-1].startswith("-"):
        return
    corpus.mkdir(parents=True)
    good = GoodFiles(folder)
    for number, suffix in enumerate(_SUFFIXES):
        (corpus / f"good{number}").write_bytes(bytes([number]) + good.read(suffix))


if __name__ == "__main__":
    main()
