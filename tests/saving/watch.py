"""Observes the interpreter while a file is read: imports, opened files, execution, connections."""

import contextlib
import importlib
import itertools
import os
import resource
import sys
from pathlib import Path

from cornu.late_names import import_all
from cornu.registry.names import PACKAGES

_EFFECTS = (
    "import",
    "open",
    "socket.",
    "subprocess.",
    "os.",
    "marshal.",
    "pickle.",
    "ctypes.dlopen",
)
_HARMLESS = ("os.listdir", "os.scandir", "os.putenv")
_watching: list[list] = []

# A lookup by name imports the library's own packages, once per process.
for _package in (
    *itertools.chain.from_iterable(PACKAGES.values()),
    *("cornu.graphics", "cornu.saving.old_files", "cornu.legacy.registered"),
    *("cornu.saving.pickling", "cornu.saving.picklable"),
):
    importlib.import_module(_package)
    import_all(_package)


def _hook(event, arguments):
    if _watching and event.startswith(_EFFECTS) and not event.startswith(_HARMLESS):
        _watching[-1].append((event, arguments))


sys.addaudithook(_hook)  # there is no way to take it off again


def _is_allowed(event, arguments, paths):
    if event not in ("open", "os.mkdir", "os.rename", "os.utime", "os.remove"):
        return False
    opened = str(arguments[0])
    if opened.endswith(".py") and arguments[1] == "r":
        return True  # source that is shown in a traceback
    cache = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    return opened in paths or (cache is not None and opened.startswith(cache))


@contextlib.contextmanager
def nothing_but(*paths):
    """Fails if anything is imported, run, or opened but `paths`, or memory grows much."""
    names = {str(path) for path in paths}
    events: list = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _watching.append(events)
    try:
        yield
    finally:
        _watching.pop()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        # Of an import, the name: its other arguments are the search paths of the machine.
        seen = [
            (event, args[0] if event == "import" else args)
            for event, args in events
            if not _is_allowed(event, args, names)
        ]
    assert not seen, f"while {[Path(name).name for name in names]} were read: {seen}"
    assert grown < 400 << 10, f"reading {paths} took {grown} KiB"
