"""`python -m cornu launch`: starts the processes of one job on one machine, and ends them together.

It imports nothing but the standard library, so that the parent process stays small.
"""

from cornu.launcher.command import add_arguments, run

__all__ = ["add_arguments", "run"]
