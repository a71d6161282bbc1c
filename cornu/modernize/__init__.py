"""Rewrites programs of Keras 1, Keras 2 and tf.keras 2 to today's API.

`python -m cornu modernize program.py` is the command. Calls are bound and converted by the tables
of the dialects. It requires `pip install "cornu[modernize]"`: LibCST, which keeps comments and
layout.
"""

from cornu.errors import missing_package as _missing_package

try:
    from cornu.modernize.program import Modernized, modernize_source
except ModuleNotFoundError as _error:
    if str(_error.name).partition(".")[0] != "libcst":
        raise
    raise _missing_package("libcst", "modernize", "cornu.modernize") from None
from cornu.modernize.eras import load_era

__all__ = ["Modernized", "load_era", "modernize_source"]
