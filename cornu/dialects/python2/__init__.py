"""Programs in Python 2: `cornu run --shims` translates what has no meaning in Python 3.

`statements.py` rewrites statements that do not parse, `semantics.py` replaces what parses and means
something else, and `loader.py` does both for the program and the modules that it imports.
"""

from cornu.dialects.python2.loader import install_finder, load_program, parse_program
from cornu.dialects.python2.semantics import NAMES

__all__ = ["NAMES", "install_finder", "load_program", "parse_program"]
